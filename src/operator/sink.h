/*
 * sink: one piece of news for one sink: what its policy makes of it, said at once (the log) or sent on its way.
 */
#ifndef OPERATOR_SINK_H
#define OPERATOR_SINK_H

#include "operator/delivery.h"

struct sink_news {
    struct tenant *tenant;
    const struct group *group;
    const struct finding *finding;
    const char *change;         /* "opened", "changed", "resolved"; static text */
    const struct doc *document; /* the finding as policies see it */
};

enum sink_outcome { SINK_TOLD, SINK_ON_ITS_WAY, SINK_FAILED };

/* `name` is "log", the name of an entry of spec.sinks, "default" for spec.sink, or the name of a sink policy. SINK_FAILED sets *err. */
enum sink_outcome sink_tell(struct deliveries *deliveries, struct str name, const struct sink_news *news, struct err *err);

#endif

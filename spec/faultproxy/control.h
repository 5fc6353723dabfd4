/*
 * control: how a test steers the proxy while it runs: a port of 127.0.0.1 that takes a command a line and answers each by a line, all JSON.
 *
 *     {"do":"rule", …}                        → {"rule":3}     (rule.h)
 *     {"do":"clear"}                          → {}             no rules; what they began goes on
 *     {"do":"freeze"}, {"do":"thaw"}          → {}             nothing moves, nothing is lost
 *     {"do":"refuse"}, {"do":"accept"}        → {}             further connections
 *     {"do":"cut"}                            → {}             all connections
 *     {"do":"go","request":7}                 → {}             what is held
 *     {"do":"upstream","url":"http://…"}      → {}             of further connections
 *     {"do":"counts"}                         → {"connections":n,"requests":n,"open":n}
 *     anything else                           → {"error":"…"}
 */
#ifndef FAULTPROXY_CONTROL_H
#define FAULTPROXY_CONTROL_H

#include "proxy.h"

struct control;

/* Listens on a free port. NULL with *err. */
struct control *control_new(struct proxy *p, struct err *err) ERR_MUST_CHECK;
uint16_t control_port(const struct control *c);
void control_free(struct control *c); /* NULL: nothing */

#endif

/*
 * report: what the proxy saw and did, a line of JSON each on standard output:
 *
 *     {"event":"connection","connection":1,"rule":…,"fault":…}                        without HTTP: one was made
 *     {"event":"request","request":7,"connection":1,"method":"GET","path":…,"query":…,"verb":"watch","rule":3,"fault":"cut"}
 *     {"event":"held","request":7,"point":"answer","status":201}                       until control says go
 *     {"event":"answer","request":7,"status":200}                                      the whole of it was passed on
 *     {"event":"end","connection":1,"request":7,"status":200,"why":"cut"}              of a connection; request: the one that was under way
 */
#ifndef FAULTPROXY_REPORT_H
#define FAULTPROXY_REPORT_H

#include "rule.h"

struct link;

void report_connection(const struct link *l, const struct fault *fault);
void report_request(const struct link *l, const struct request_line *line);
void report_held(const struct link *l);
void report_answer(const struct link *l);
void report_end(const struct link *l, const char *why);

#endif

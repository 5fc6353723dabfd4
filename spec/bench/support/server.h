/*
 * server: an API server of a large cluster, for benches. It makes its objects as it sends them (population.h), so that its own memory and
 * speed do not matter; what it does not know itself (discovery, K8sGPT, Results) it has an embedded API server answer.
 *
 * Lists come in pages or as the beginning of a watch, as the client asks; each event is a chunk of its own, as kube-apiserver sends them.
 * One thread a connection. Errors end the bench.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>

struct server;

/* Listens on a free port of the loopback. `upstream_port`: of the embedded API server. Runs to the end of the process. */
struct server *server_new(int pods, uint16_t upstream_port);
uint16_t server_port(const struct server *s);

/* Bytes of pods sent so far. */
int64_t server_pod_bytes(const struct server *s);

/* Somebody has the whole list of pods and watches them. */
bool server_is_watched(struct server *s);

/* Sends the MODIFIED event of a pod to who watches pods. False: nobody does. */
bool server_change_pod(struct server *s, int pod, int version, bool faulty);

/*
 * Notes that the Result of this pod is awaited from now on; the moment (monotonic, in us) when the next request that writes it has
 * arrived is what server_written answers; 0: not yet.
 */
void server_await(struct server *s, int pod);
int64_t server_written(const struct server *s, int pod);

#endif

/*
 * local_mode: upstream's environment variable LOCAL_MODE, for an operator and an engine that run on a developer's machine.
 */
#ifndef CLI_LOCAL_MODE_H
#define CLI_LOCAL_MODE_H

/* Where it is set, the defaults of run: the engine is at localhost:8080, and our own pages, which would be there, at any free port. */
void local_mode(const char **engine_address, const char **metrics_address, const char **health_address);

#endif

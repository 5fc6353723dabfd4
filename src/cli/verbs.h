/*
 * verbs: one function a verb of the command line. Each gets the arguments from the verb's name on and returns the exit code:
 * 0 done, 1 failed, 2 used wrongly.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

int cli_run(int argc, char **argv);
int cli_analyze(int argc, char **argv);
int cli_dev_cluster(int argc, char **argv);
int cli_snapshot(int argc, char **argv);
int cli_rbac(int argc, char **argv);
int cli_policy(int argc, char **argv);
int cli_render(int argc, char **argv);
int cli_version(int argc, char **argv);

/* Says in two lines what is wrong with how a verb was called; `value` may be NULL. Returns the exit code. */
int verb_usage(const char *verb, const char *what, const char *value);

/* Version and revision of this build. */
const char *version_text(void);
const char *version_revision(void);

#endif

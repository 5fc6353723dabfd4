/*
 * verbs: one function a verb of the command line. Each gets the arguments from the verb's name on and returns the exit code:
 * 0 done, 1 failed, 2 used wrongly.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

int cli_dev_cluster(int argc, char **argv);

#endif

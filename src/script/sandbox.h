/*
 * sandbox: what a policy can reach. spec/unit/script/sandbox_test.c has a case for each threat.
 *
 * Allow-listed functions only, in libraries that nobody can change; globals can neither be made nor read undefined. No load,
 * io, os, debug, package, coroutine, collectgarbage, print, random or clock.
 */
#ifndef SCRIPT_SANDBOX_H
#define SCRIPT_SANDBOX_H

#include "script/vm.h"

/* Fills a new state; for vm_protect. */
int sandbox_open(lua_State *L);

#endif

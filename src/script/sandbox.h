/*
 * sandbox: what a policy can reach. The threats and their defences are listed in docs/architecture.md; spec/unit/script/sandbox_test.c
 * has a case for each.
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

#!/usr/bin/env node
// The command `boreal`: makes the clone ready (see prepare.mjs), then runs the built CLI.
import { setFlagsFromString } from 'node:v8'
import { buildIfStale, installMissing } from './prepare.mjs'

// Every thread collects its small garbage often; to wake four helpers for each time costs more than they save.
setFlagsFromString('--no-parallel-scavenge')
// The database's functions are optimized after five times as much work as usual: a restart is over before that pays, and
// on two cores it waits for the compiler (215,000 tasks: 0.87 to 0.92 of the time in slow minutes; writes do not differ).
setFlagsFromString('--wasm-tiering-budget=10000000')
installMissing()
await buildIfStale()
// The versions are pinned; that later ones will want a newer Node is nothing a user can act on.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
const { main } = await import('../dist/cli.js')
await main(process.argv)

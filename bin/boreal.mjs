#!/usr/bin/env node
// The command `boreal`: makes the clone ready (see prepare.mjs), then runs the built CLI.
import { setFlagsFromString } from 'node:v8'
import { buildIfStale, installMissing } from './prepare.mjs'

// Every thread collects its small garbage often; to wake four helpers for each time costs more than they save.
setFlagsFromString('--no-parallel-scavenge')
// Threads of engines have small heaps and pass buffers on: each was collected in full once or twice a second, a tenth of the
// processor time of a node that writes. Those that are started from here on begin with a limit that leaves room.
setFlagsFromString('--initial-old-space-size=64')
installMissing()
await buildIfStale()
// The versions are pinned; that later ones will want a newer Node is nothing a user can act on.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
const { main } = await import('../dist/cli.js')
await main(process.argv)

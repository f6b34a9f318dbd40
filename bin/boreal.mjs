#!/usr/bin/env node
// The command `boreal`: makes the clone ready (see prepare.mjs), then runs the built CLI.
import { buildIfStale, installMissing } from './prepare.mjs'

installMissing()
await buildIfStale()
// The versions are pinned; that later ones will want a newer Node is nothing a user can act on.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
const { main } = await import('../dist/cli.js')
await main(process.argv)

#!/usr/bin/env node
// The command `boreal`: makes the clone ready (see prepare.mjs), then runs the built CLI.
import { buildIfStale, installMissing } from './prepare.mjs'

installMissing()
await buildIfStale()
const { main } = await import('../dist/cli.js')
await main(process.argv)

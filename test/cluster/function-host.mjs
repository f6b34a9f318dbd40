// A process with the handler of a bundled function, as an environment of Lambda is one: each message is an invocation.
const { handler } = await import(process.argv[2])

process.on('message', async ({ id, event }) => {
  const context = { awsRequestId: String(id), getRemainingTimeInMillis: () => 29_000 }
  process.send({ id, answer: await handler(event, context) })
})
process.send({ ready: true })

/** The engine ended (it was killed, ran out of memory or crashed); its store is to be built anew. */
export class EngineDied extends Error {
  constructor(reason: string) {
    super(`database engine ended: ${reason}`)
    this.name = 'EngineDied'
  }
}

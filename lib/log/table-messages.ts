/** A request to the embedded table's thread, as it would be sent to its port. */
export interface TableRequest {
  id: number
  headers: Record<string, string>
  body: Uint8Array
}

export interface TableResponse {
  id: number
  statusCode: number
  headers: Record<string, string>
  body: Uint8Array<ArrayBuffer>
}

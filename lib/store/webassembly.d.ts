/** The part of WebAssembly's types that is used here and that Node's types leave out. */
declare namespace WebAssembly {
  function compile(bytes: Uint8Array): Promise<Module>
}

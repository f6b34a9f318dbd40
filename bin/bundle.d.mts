export const BUNDLE: string
export function bundleFunctions(folder?: string): Promise<void>
export function bundleIfStale(folder?: string): Promise<void>
export function filesBelow(folder: string): Promise<string[]>

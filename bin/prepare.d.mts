export function installMissing(options?: { dev?: boolean }): void
export function buildIfStale(): Promise<void>

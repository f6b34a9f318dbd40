export function bundleSize(folder: string): Promise<{ files: number; bytes: number; zipped: number }>

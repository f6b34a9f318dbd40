/**
 * About where a log ends beyond `after`, by a few single reads: for saying how much there is to do. Nothing is verified,
 * and it may have gone on since.
 */
export async function findEnd(log: { get(lsn: number): Promise<unknown> }, after: number): Promise<number> {
  const isThere = async (lsn: number) => (await log.get(lsn)) !== undefined
  let [end, stride] = [after, 1]
  while (await isThere(end + stride)) {
    end += stride
    stride *= 2
  }
  for (stride = Math.floor(stride / 2); stride >= 1; stride = Math.floor(stride / 2)) {
    if (await isThere(end + stride)) end += stride
  }
  return end
}

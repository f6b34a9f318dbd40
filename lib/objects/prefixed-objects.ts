import { checkPrefix, type ObjectStore } from './object-store.ts'

/** The objects below a prefix (it ends with a slash), as a store of their own. */
export function prefixedObjects(objects: ObjectStore, prefix: string): ObjectStore {
  checkPrefix(prefix)
  return {
    put: (key, bytes, options) => objects.put(prefix + key, bytes, options),
    get: (key, range) => objects.get(prefix + key, range),
    getShared: (key) => objects.getShared(prefix + key),
    head: (key) => objects.head(prefix + key),
    list: async (below, { after, limit } = {}) => {
      const page = await objects.list(prefix + below, {
        ...(after === undefined ? {} : { after: prefix + after }),
        ...(limit === undefined ? {} : { limit }),
      })
      const shortened = page.objects.map(({ key, size }) => ({ key: key.slice(prefix.length), size }))
      return {
        objects: shortened,
        ...(page.next === undefined ? {} : { next: page.next.slice(prefix.length) }),
      }
    },
    delete: (key) => objects.delete(prefix + key),
    copy: (from, to) => objects.copy(prefix + from, prefix + to),
  }
}

# The container of the profile busy: leader and standby. Its context is the bundle (npm run bundle, dist/functions), so that
# containers and functions run the same code, and nothing is installed in the image.
FROM public.ecr.aws/docker/library/node:24-slim

ENV NODE_ENV=production
WORKDIR /boreal
COPY --chown=root:root . .
USER node
EXPOSE 8080

# Every thread collects its small garbage often; to wake helpers for each time costs more than they save.
# And those of engines have small heaps, which are collected in full too often without some room (see bin/boreal.mjs).
CMD ["node", "--no-parallel-scavenge", "--initial-old-space-size=64", "leader.js"]

# Trawl in a container: the whole stack (`up`, the default) or a worker node (`node --edge URL`). docs/operations/container.md.
FROM node:24-trixie-slim AS build
WORKDIR /opt/trawl
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node scripts/build.ts
RUN npm prune --omit=dev --no-audit --no-fund

FROM node:24-trixie-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates ffmpeg python3 tini util-linux \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/trawl
# A current yt-dlp: that of the image's own Debian release is too old. By itself in a layer, as it is what changes most often.
COPY scripts/setup scripts/setup
RUN sh scripts/setup/ytdlp.sh
COPY --from=build /opt/trawl/package.json ./
COPY --from=build /opt/trawl/migrations migrations
COPY --from=build /opt/trawl/node_modules node_modules
COPY --from=build /opt/trawl/dist dist
COPY scripts/healthcheck.mjs scripts/healthcheck.mjs
RUN install -d -o node -g node -m 0711 /data
USER node
ENV TRAWL_DATA=/data TRAWL_DOWNLOADS=/data/downloads TRAWL_HOST=0.0.0.0
VOLUME /data
EXPOSE 8787
# 75 s: a lease, and what it takes to start.
HEALTHCHECK --interval=30s --timeout=5s --start-period=75s CMD ["node", "scripts/healthcheck.mjs"]
# tini passes signals on and collects what tools leave behind.
ENTRYPOINT ["tini", "--", "node", "/opt/trawl/dist/trawl.mjs"]
CMD ["up"]

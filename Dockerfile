# One image for every service: docker run … tributary account

FROM node:20-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:20-slim AS pages
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci
COPY scripts scripts/
COPY gateway gateway/
RUN npm run build

FROM node:20-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
WORKDIR /app
COPY --from=packages /app/node_modules node_modules/
COPY package.json tsconfig.json ./
COPY embedded embedded/
COPY events events/
COPY gateway gateway/
COPY --from=pages /app/gateway/console/dist gateway/console/dist/
COPY --from=pages /app/gateway/playground/dist gateway/playground/dist/
COPY schema schema/
COPY scripts scripts/
COPY subgraphs subgraphs/
# What a service would do at its first start, where it may not write.
RUN node scripts/run.mjs --prepare scripts/service.ts
USER node
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/live').then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "scripts/run.mjs", "scripts/service.ts"]
CMD ["gateway"]

# The server in a container: docker build -t openhands-agent-server .
# See docs/operation.md, section "Container", for how to run it securely; compose.yaml is an example.
ARG NODE=node:24.21.0-bookworm-slim

FROM ${NODE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY LICENSE README.md CHANGELOG.md .swcrc nest-cli.json tsconfig.json tsconfig.build.json ./
COPY docs ./docs
COPY scripts ./scripts
COPY src ./src
COPY console ./console
COPY openapi.d.ts ./
# test/e2e/production-install.spec.ts runs the same two steps where there is no Docker.
RUN npm run build
RUN node scripts/install-production.mjs /opt/agent-server
# The web UI at /, in the version that is pinned by its integrity.
RUN node /opt/agent-server/dist/main.js --fetch-ui

FROM ${NODE}
# Agents use bash and git; tini forwards signals and reaps zombie processes.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends bash ca-certificates git tini \
  && rm -rf /var/lib/apt/lists/* \
  && install --directory --owner=node --group=node /workspace /workspace/home
COPY --from=build /opt/agent-server /opt/agent-server
# Keys are read from the files that SESSION_API_KEY_FILE and OH_SECRET_KEY_FILE name. Without a session key only requests
# from inside the container are served; others are answered with 403 and the reason.
ENV NODE_ENV=production \
  HOME=/workspace/home \
  OH_CONVERSATION_WORKTREE_ROOT=/workspace/worktrees
# Relative paths of the configuration (workspace/...) then lead into the volume.
WORKDIR /
VOLUME /workspace
USER node
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/health').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Same options as `npm start`: docs/decisions/0013-a-small-young-generation.md
ENTRYPOINT ["tini", "--", "node", "--max-semi-space-size=4", "/opt/agent-server/dist/main.js"]
CMD ["--port", "8000"]

import { Controller, Get, Optional, Res } from '@nestjs/common';
import type { Response as HttpResponse } from 'express';
import { OpenRoute } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { RunQueue, RunSlots } from '../conversations/index.js';
import { Operation, type OperationDocs } from '../http/index.js';
import { Sandbox } from '../sandbox/index.js';
import { ToolRegistry, maxForegroundTimeout, runtimeIdleTimeout } from '../tools/index.js';
import { Activity } from './activity.js';
import { ConversationRuntime } from './conversation-runtime.js';
import { EventLoopDelay } from './event-loop-delay.js';
import { Readiness } from './readiness.js';
import { runtimeServices } from './runtime-services.js';
import { LiveServers } from './servers/live-servers.js';
import type { ClusterInfo } from './servers/servers-answer.js';
import {
  HEALTH_STATUS,
  READY_STATUS,
  SERVER_INFO,
  type HealthStatus,
  type ReadyStatus,
  type ServerInfo,
} from './server-info.js';
import { API_VERSION, SERVER_VERSION } from './version.js';

/** Supported features, by the names that clients of the original check. */
const CAPABILITIES = [
  'conversation_runtime_routes_v1',
  'profile_secret_scope_v1',
  'profile_persona_v1',
  'idempotent_conversation_create_v1',
  'tool_catalog_v1',
  'agent_profile_draft_materialize_v1',
  'agent_launch_pipeline_v1',
  'profile_public_skills_v1',
  'skill_catalog_v1',
];
/** How many of the runs that wait are shown. */
const SHOWN_RUNS = 20;
const BROWSER = 'browser_tool_set';
/** Browsers can reach the back ends of canvas extensions. */
const BRIDGE = 'canvas_app_backend_bridge_v1';

const TAG = 'Server Details';
const ALIVE: OperationDocs = {
  summary: 'Check that the process is alive',
  description: 'Answers while the process runs, also before it is ready. For liveness probes.',
  tag: TAG,
  open: true,
  answers: { 200: { description: 'The process is alive.', schema: HEALTH_STATUS } },
};
const INFO: OperationDocs = {
  summary: 'Describe the server and its features',
  description:
    'For clients that adapt to the version and the features of a server, and for people who look at its load.',
  tag: TAG,
  open: true,
  answers: { 200: { description: 'Versions, features and load of the server.', schema: SERVER_INFO } },
};

/** Health, readiness and description of the server. Needs no key: probes have none. */
@OpenRoute()
@Controller()
export class ServerController {
  constructor(
    private readonly activity: Activity,
    private readonly readiness: Readiness,
    private readonly tools: ToolRegistry,
    private readonly slots: RunSlots,
    private readonly queue: RunQueue,
    private readonly loop: EventLoopDelay,
    private readonly config: AppConfig,
    /** None while the server waits for its configuration. */
    @Optional() private readonly sandbox?: Sandbox,
    /** None while the server waits for its configuration. */
    @Optional() private readonly servers?: LiveServers,
    @Optional() private readonly runtime?: ConversationRuntime,
  ) {}

  @Get('alive')
  @Operation(ALIVE)
  alive(): HealthStatus {
    return { status: 'ok' };
  }

  @Get('health')
  @Operation(ALIVE)
  health(): HealthStatus {
    return { status: 'ok' };
  }

  @Get('ready')
  @Operation({
    summary: 'Check that the server accepts work',
    description:
      'For readiness probes and load balancers: 503 while the server starts or shuts down, and while it cannot reach ' +
      'its database, or the container engine that all its conversations need.',
    tag: TAG,
    open: true,
    answers: {
      200: { description: 'The server accepts work.', schema: READY_STATUS },
      503: {
        description:
          'The server is starting or shutting down, or cannot reach its database or its container engine.',
        schema: READY_STATUS,
      },
    },
  })
  ready(@Res({ passthrough: true }) response: HttpResponse): ReadyStatus {
    const { state: status } = this.readiness;
    if (status === 'ready') return { status };
    response.status(503);
    const message = this.readiness.problem ?? 'The server is not available';
    return { status, message: status === 'initializing' ? 'Server is still initializing' : message };
  }

  @Get('server_info')
  @Operation(INFO)
  async serverInfo(): Promise<ServerInfo> {
    const { running, limit, refused } = this.slots;
    const delay = this.loop.recent();
    const { app_backend_public_url: ingress } = this.config;
    return {
      uptime: this.activity.uptime,
      idle_time: this.activity.idleTime,
      title: 'OpenHands Agent Server',
      version: API_VERSION,
      sdk_version: API_VERSION,
      tools_version: API_VERSION,
      workspace_version: API_VERSION,
      implementation: `openhands-agent-server (TypeScript) ${SERVER_VERSION}`,
      build_git_sha: process.env['OPENHANDS_BUILD_GIT_SHA'] ?? 'unknown',
      build_git_ref: process.env['OPENHANDS_BUILD_GIT_REF'] ?? 'unknown',
      python_version: `none (Node.js ${process.version})`,
      usable_tools: this.usableTools(),
      runtime_idle_timeout_seconds: runtimeIdleTimeout(),
      conversation_runtime: this.config.conversation_runtime === 'docker' ? 'docker' : 'local',
      available_conversation_runtimes: this.config.conversation_runtime_selectable ? ['local', 'docker'] : [],
      capabilities: ingress === null ? CAPABILITIES : [...CAPABILITIES, BRIDGE],
      app_backend_ingress_url: ingress,
      max_foreground_terminal_timeout_seconds: maxForegroundTimeout(),
      docs: '/docs',
      redoc: '/redoc',
      runs: {
        running,
        limit,
        refused,
        queued: this.queue.size,
        max_queued: this.queue.limit,
        next: this.queue.head(SHOWN_RUNS),
      },
      event_loop_delay: delay && { p50_ms: delay.p50, p99_ms: delay.p99, max_ms: delay.max },
      sandbox: this.sandbox?.status ?? null,
      cluster: await this.clusterInfo(),
      containers: this.runtime?.info() ?? null,
      runtime_services: runtimeServices(this.config),
    };
  }

  /** In containers the browser is that of their image. */
  private usableTools(): string[] {
    const tools = this.tools.available();
    const others = tools.filter((name) => name !== BROWSER);
    if (!this.runtime || this.config.conversation_runtime !== 'docker')
      return this.config.enable_browser ? tools : others;
    return this.runtime.hasBrowser ? [...others, BROWSER] : others;
  }

  private async clusterInfo(): Promise<ClusterInfo | null> {
    if (!this.servers?.isCluster) return null;
    const { selfId } = this.servers;
    // Probes and clients need an answer also while the database is away.
    const servers = await this.servers.list().catch(() => null);
    return {
      server_id: selfId,
      servers:
        servers?.map(({ id, conversations, running, maxRunning }) => ({
          id,
          conversations,
          running,
          max_running: maxRunning,
        })) ?? null,
    };
  }

  @Get()
  @Operation(INFO)
  root(): Promise<ServerInfo> {
    return this.serverInfo();
  }
}

import { createHash } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { discoverModels, type ModelDiscovery } from '../../acp/index.js';
import type { AcpAgentSpec } from '../../agent/index.js';
import { SecretCodec } from '../../crypto/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { Sandbox } from '../../sandbox/index.js';
import { decryptRequestSecrets } from '../secrets/request-secrets.js';
import { assertSecretsFit } from '../secrets/secret-sources.js';
import { SecretVault } from '../secrets/secret-vault.js';

const CACHE_TTL_MS = 300_000;
const MAX_CACHED = 50;
/** Agents that are started at the same time. */
const MAX_CONCURRENT = 2;

/** Asks ACP agents for their models. Answers are cached, and few agents are started at a time. */
@Injectable()
export class AcpDiscovery implements OnApplicationShutdown {
  private readonly cache = new Map<string, { at: number; answer: ModelDiscovery }>();
  private readonly pending = new Set<Promise<unknown>>();
  private readonly closeController = new AbortController();

  constructor(
    private readonly codec: SecretCodec,
    private readonly sandbox: Sandbox,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    this.closeController.abort();
    await Promise.allSettled([...this.pending]);
  }

  /**
   * @param sources secret sources by name; tokens of this server are decrypted
   * @throws InvalidRequestError
   */
  async models(
    agent: AcpAgentSpec,
    sources: Record<string, JsonObject>,
    refresh: boolean,
  ): Promise<ModelDiscovery> {
    const { secrets } = this.decrypted({ secrets: sources });
    const { mcp_config } = this.decrypted({ mcp_config: agent.mcp_config }, 'agent_settings');
    const request = {
      secrets: sourcesIn(secrets),
      agent: { ...agent, mcp_config: asJsonObject(mcp_config) },
    };
    assertSecretsFit(request, ['body', 'secrets']);
    const key = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    const cached = this.cache.get(key);
    if (cached && !refresh && performance.now() - cached.at < CACHE_TTL_MS) return cached.answer;
    while (this.pending.size >= MAX_CONCURRENT) await Promise.race(this.pending);
    const asked = this.ask(request.agent, request.secrets);
    // Requests that wait for their turn must not fail because of this one.
    const settled = asked.then(nothing, nothing);
    this.pending.add(settled);
    const answer = await asked.finally(() => this.pending.delete(settled));
    // The next attempt may succeed.
    if (!answer.error) this.store(key, answer);
    return answer;
  }

  private decrypted(value: JsonObject, ...field: string[]): JsonObject {
    return decryptRequestSecrets(this.codec, value, (path) => ['body', ...field, ...path]);
  }

  private async ask(agent: AcpAgentSpec, sources: Record<string, JsonObject>): Promise<ModelDiscovery> {
    const vault = new SecretVault({ secrets: sources, agent });
    const { signal } = this.closeController;
    const secrets = await vault.all(signal);
    const confine = (workspace: string) => this.sandbox.confine({ workspace });
    return discoverModels(agent, secrets, (text) => vault.mask(text), confine, signal);
  }

  private store(key: string, answer: ModelDiscovery): void {
    this.cache.delete(key);
    this.cache.set(key, { at: performance.now(), answer });
    const [oldest] = this.cache.keys();
    if (this.cache.size > MAX_CACHED && oldest !== undefined) this.cache.delete(oldest);
  }
}

const nothing = (): void => undefined;

function sourcesIn(value: unknown): Record<string, JsonObject> {
  return Object.fromEntries(
    Object.entries(asJsonObject(value)).map(([name, source]) => [name, asJsonObject(source)]),
  );
}

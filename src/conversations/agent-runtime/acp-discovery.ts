import { createHash } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { discoverModels, type ModelDiscovery } from '../../acp/index.js';
import type { AcpAgentSpec } from '../../agent/agent-spec.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { ConversationServices } from '../conversation/conversation-services.js';
import { decryptRequestSecrets } from '../secrets/request-secrets.js';
import { assertSecretsFit } from '../secrets/secret-sources.js';
import { SecretVault } from '../secrets/secret-vault.js';

/** How long an answer is kept (ms), and how many are. */
const KEPT_MS = 300_000;
const MAX_KEPT = 50;
/** Agents that are asked at the same time. */
const MAX_AT_A_TIME = 2;

/** Asks agents from elsewhere for their models: few at a time, and the same one not again and again. */
@Injectable()
export class AcpDiscovery implements OnApplicationShutdown {
  private readonly known = new Map<string, { at: number; answer: ModelDiscovery }>();
  private readonly asking = new Set<Promise<unknown>>();
  private readonly closeController = new AbortController();

  constructor(private readonly services: ConversationServices) {}

  async onApplicationShutdown(): Promise<void> {
    this.closeController.abort();
    await Promise.allSettled([...this.asking]);
  }

  /** @param sources secret sources by name; tokens of this server are opened */
  async models(
    agent: AcpAgentSpec,
    sources: Record<string, JsonObject>,
    refresh: boolean,
  ): Promise<ModelDiscovery> {
    const { secrets } = this.opened({ secrets: sources });
    const { mcp_config } = this.opened({ mcp_config: agent.mcp_config }, 'agent_settings');
    const given = { secrets: sourcesIn(secrets), agent: { ...agent, mcp_config: asJsonObject(mcp_config) } };
    assertSecretsFit(given, ['body', 'secrets']);
    const key = createHash('sha256').update(JSON.stringify(given)).digest('hex');
    const known = this.known.get(key);
    if (known && !refresh && performance.now() - known.at < KEPT_MS) return known.answer;
    while (this.asking.size >= MAX_AT_A_TIME) await Promise.race(this.asking);
    const asked = this.ask(given.agent, given.secrets);
    // Who waits for its place is not told what went wrong here.
    const over = asked.then(nothing, nothing);
    this.asking.add(over);
    const answer = await asked.finally(() => this.asking.delete(over));
    // What went wrong may be right the next time.
    if (!answer.error) this.keep(key, answer);
    return answer;
  }

  private opened(value: JsonObject, ...field: string[]): JsonObject {
    return decryptRequestSecrets(this.services.secrets, value, (path) => ['body', ...field, ...path]);
  }

  private async ask(agent: AcpAgentSpec, sources: Record<string, JsonObject>): Promise<ModelDiscovery> {
    const vault = new SecretVault({ secrets: sources, agent });
    const { signal } = this.closeController;
    const secrets = await vault.all(signal);
    return discoverModels(agent, secrets, (text) => vault.mask(text), signal);
  }

  private keep(key: string, answer: ModelDiscovery): void {
    this.known.delete(key);
    this.known.set(key, { at: performance.now(), answer });
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_KEPT && oldest !== undefined) this.known.delete(oldest);
  }
}

const nothing = (): void => undefined;

function sourcesIn(value: unknown): Record<string, JsonObject> {
  return Object.fromEntries(
    Object.entries(asJsonObject(value)).map(([name, source]) => [name, asJsonObject(source)]),
  );
}

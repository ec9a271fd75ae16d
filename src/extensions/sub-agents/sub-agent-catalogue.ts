import path from 'node:path';
import { Injectable } from '@nestjs/common';
import {
  ContextLoader,
  builtInTypes,
  readProjectDefinitions,
  readUserDefinitions,
  type AgentType,
} from '../../agent/index.js';
import { AppConfig } from '../../config/index.js';
import { type AgentDefinitionDto, definitionProblem, readDefinition } from '../../conversations/index.js';
import { toPlain } from '../../http/index.js';
import { taggedParts } from '../../text/index.js';
import { ToolRegistry } from '../../tools/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import type { SubAgentsRequestDto } from './sub-agents.dto.js';

/** Alternative field names in files. */
const ALIASES = ['mcp_servers', 'mcpServers'];

const MASK = '**********';
/** Objects whose values are all masked. */
const SECRET_GROUPS = new Set(['env', 'headers', 'environment']);
const SECRET_NAME = /key|secret|token|password|credential|authorization|cookie/i;

/** A sub-agent in lists: the fields of a definition in the original's order. */
export type SubAgentInfo = JsonObject & { name: string; is_builtin: boolean };

/** Lists built-in sub-agents and those of projects and of the user. */
@Injectable()
export class SubAgentCatalogue {
  constructor(
    private readonly context: ContextLoader,
    private readonly registry: ToolRegistry,
    private readonly config: AppConfig,
  ) {}

  /**
   * Of sub-agents with the same name the project's comes first, then the user's. Invalid files are skipped.
   */
  async list(request: SubAgentsRequestDto): Promise<SubAgentInfo[]> {
    const { load_user, load_project, load_builtin, project_dir } = request;
    const warn = this.context.warn('sub-agents');
    const [project, user] = await Promise.all([
      load_project && project_dir
        ? readProjectDefinitions(path.resolve(this.config.base_dir, project_dir), warn)
        : [],
      load_user ? readUserDefinitions(this.context.user, warn) : [],
    ]);
    const builtIn = load_builtin ? builtInTypes((name) => this.registry.has(name)) : [];
    const all = [
      ...[...project, ...user].flatMap((file) => this.ofFile(file)),
      ...builtIn.map(fromBuiltInType),
    ];
    const byName = new Map(all.toReversed().map((agent) => [agent.name, agent]));
    return all.filter((agent) => byName.get(agent.name) === agent);
  }

  private ofFile(file: JsonObject): SubAgentInfo[] {
    try {
      const dto = readDefinition(file);
      return dto ? [fromDefinition(dto, file)] : [];
    } catch (error) {
      this.context.warn('sub-agents')(String(file['source']), definitionProblem(error));
      return [];
    }
  }
}

function fromDefinition(dto: AgentDefinitionDto, file: JsonObject): SubAgentInfo {
  const servers = dto.mcp_config === null ? null : maskSecrets(withDefaults(dto.mcp_config));
  const plain = toPlain(dto);
  const known = new Set([...Object.keys(isJsonObject(plain) ? plain : {}), ...ALIASES]);
  const others = Object.entries(file).filter(([key]) => !known.has(key));
  const { name, description, model, color, tools, skills, system_prompt } = dto;
  return {
    ...{ name, description, model, color, tools, skills, system_prompt },
    when_to_use_examples: [...dto.when_to_use_examples, ...examplesIn(description)],
    permission_mode: dto.permission_mode,
    max_iteration_per_run: dto.max_iteration_per_run,
    max_budget_per_run: dto.max_budget_per_run,
    mcp_config: servers,
    mcp_servers: servers,
    profile_store_dir: dto.profile_store_dir,
    hooks: toPlain(dto.hooks),
    condenser: maskSecrets(toPlain(dto.condenser)),
    metadata: maskSecrets({ ...dto.metadata, ...Object.fromEntries(others) }),
    level: dto.level,
    source: dto.source,
    is_builtin: false,
  };
}

function fromBuiltInType({ name, description, tools, prompt }: AgentType): SubAgentInfo {
  return {
    ...{ name, description, model: 'inherit', color: null, tools: [...tools], skills: [] },
    ...{ system_prompt: prompt, when_to_use_examples: [], permission_mode: null },
    ...{ max_iteration_per_run: null, max_budget_per_run: null, mcp_config: null, mcp_servers: null },
    ...{ profile_store_dir: null, hooks: null, condenser: null, metadata: {} },
    ...{ level: 'builtin', source: null, is_builtin: true },
  };
}

function withDefaults(servers: Record<string, JsonObject>): JsonObject {
  const entries = Object.entries(servers);
  return Object.fromEntries(
    entries.map(([name, server]) => [name, { ...server, enabled: server['enabled'] ?? true }]),
  );
}

/** Descriptions may contain usage examples in `<example>` tags. */
function examplesIn(description: string): string[] {
  return taggedParts(description, '<example>', '</example>').inside.map((text) => text.trim());
}

/** Masks values of a file that look like secrets. */
function maskSecrets(value: unknown, isGroup = false): unknown {
  if (Array.isArray(value)) return value.map((item) => maskSecrets(item, isGroup));
  if (isJsonObject(value)) {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([key, field]) => [
        key,
        typeof field === 'string' && (isGroup || SECRET_NAME.test(key))
          ? MASK
          : maskSecrets(field, isGroup || SECRET_GROUPS.has(key)),
      ]),
    );
  }
  return isGroup && typeof value === 'string' ? MASK : value;
}

import path from 'node:path';
import { Injectable } from '@nestjs/common';
import { ContextLoader } from '../../agent/skills/index.js';
import {
  builtInTypes,
  readProjectDefinitions,
  readUserDefinitions,
  type AgentType,
} from '../../agent/sub-agents/index.js';
import { AppConfig } from '../../config/index.js';
import type { AgentDefinitionDto } from '../../conversations/api/dto/agent/agent-definition.dto.js';
import { definitionProblem, readDefinition } from '../../conversations/sub-agents/definitions.js';
import { toPlain } from '../../http/validation/dto.js';
import { taggedParts } from '../../text/index.js';
import { ToolRegistry } from '../../tools/tool-registry.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { masked } from './masked.js';
import type { SubAgentsRequestDto } from './sub-agents.controller.js';

/** Fields of files that are spellings of others. */
const SPELLINGS = ['mcp_servers', 'mcpServers'];

/** A sub-agent as lists show it: the fields of a definition in the wire's order. */
export type SubAgentInfo = JsonObject & { name: string; is_builtin: boolean };

/** Finds sub-agents in all their places. */
@Injectable()
export class SubAgentCatalogue {
  constructor(
    private readonly context: ContextLoader,
    private readonly registry: ToolRegistry,
    private readonly config: AppConfig,
  ) {}

  /** By name; of several the project's counts, then the person's. What is broken is left out. */
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
    const all = [...[...project, ...user].flatMap((file) => this.ofFile(file)), ...builtIn.map(ofType)];
    const byName = new Map(all.toReversed().map((agent) => [agent.name, agent]));
    return all.filter((agent) => byName.get(agent.name) === agent);
  }

  private ofFile(file: JsonObject): SubAgentInfo[] {
    try {
      const dto = readDefinition(file);
      return dto ? [ofDefinition(dto, file)] : [];
    } catch (error) {
      this.context.warn('sub-agents')(String(file['source']), definitionProblem(error));
      return [];
    }
  }
}

function ofDefinition(dto: AgentDefinitionDto, file: JsonObject): SubAgentInfo {
  const servers = dto.mcp_config === null ? null : masked(withDefaults(dto.mcp_config));
  const plain = toPlain(dto);
  const known = new Set([...Object.keys(isJsonObject(plain) ? plain : {}), ...SPELLINGS]);
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
    condenser: masked(toPlain(dto.condenser)),
    metadata: masked({ ...dto.metadata, ...Object.fromEntries(others) }),
    level: dto.level,
    source: dto.source,
    is_builtin: false,
  };
}

function ofType({ name, description, tools, prompt }: AgentType): SubAgentInfo {
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

/** Descriptions may say by `<example>` when to use it. */
function examplesIn(description: string): string[] {
  return taggedParts(description, '<example>', '</example>').inside.map((text) => text.trim());
}

import { textContent, type ToolAnnotations } from '../../events/index.js';
import { isJsonObject } from '../../json/index.js';
import { answeringTool } from '../function-tool.js';
import type { Tool, ToolDefinition, ToolSchema } from '../tool.js';

/** A tool that the client executes, as the wire has it. */
export interface ClientToolSpec {
  name: string;
  description: string;
  /** JSON schema of the arguments, an object. */
  parameters: Record<string, unknown>;
  annotations: (Omit<ToolAnnotations, 'title'> & { title: string | null }) | null;
}

/** What providers take as the name of a tool. */
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Of a tool that nothing is known of the worst is assumed (the defaults of MCP). */
const UNKNOWN: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

/** Types of arguments that are checked and converted. */
const SCALARS: ReadonlySet<unknown> = new Set(['string', 'integer', 'number', 'boolean']);

/** An argument `kind` is called this in actions, where `kind` says what they are. Clients know the name. */
const KIND_ARGUMENT = 'mcp_arg_kind';

/**
 * A tool of the client for the agent: its calls are checked against the client's schema and answered at once.
 * The client sees them as events, does what they say, and tells the agent in a message.
 */
export function clientToolDefinition(spec: ClientToolSpec): ToolDefinition {
  const { name, description, parameters } = spec;
  const given = spec.annotations && { ...spec.annotations, title: spec.annotations.title ?? undefined };
  const definition: ToolDefinition = {
    name,
    kind: 'ClientTool',
    actionKind: `ClientAction_${name}`,
    observationKind: 'ClientToolObservation',
    title: given?.title ?? name,
    description,
    annotations: given ?? UNKNOWN,
    clientDescription: { annotations: given ?? undefined, client_tool_name: name, input_schema: parameters },
    schema: argumentSchema(parameters),
    modelSchema: parameters,
    argumentsOf: ({ kind: _kind, [KIND_ARGUMENT]: own, ...rest }) =>
      own === undefined ? rest : { ...rest, kind: own },
    create: () => dispatchingTool(definition),
  };
  return definition;
}

/** Tells the model that the client has the call; nothing is waited for. */
function dispatchingTool(definition: ToolDefinition): Tool {
  const tool = answeringTool(definition, () => [textContent('Tool call dispatched to client.')]);
  return {
    ...tool,
    prepare: (args) => {
      const shown = Object.entries(args).map(([name, value]): [string, unknown] => [
        name === 'kind' ? KIND_ARGUMENT : name,
        value,
      ]);
      return tool.prepare(Object.fromEntries(shown));
    },
  };
}

/** An agent's tools with those of the client behind them, as clients are shown them. */
export function withClientTools<Agent extends object>(agent: Agent, clientTools: readonly ClientToolSpec[]) {
  if (clientTools.length === 0) return agent;
  const tools: unknown = 'tools' in agent ? agent.tools : [];
  const specs = clientTools.map((spec) => ({ name: spec.name, params: { spec } }));
  return { ...agent, tools: [...(Array.isArray(tools) ? (tools as unknown[]) : []), ...specs] };
}

/** What is wrong with the name or the fields of a client tool, in a sentence; undefined: nothing. */
export function clientToolProblem({ name, parameters }: ClientToolSpec): string | undefined {
  if (!NAME.test(name)) {
    return 'A client tool name has 1 to 64 letters, digits, underscores and hyphens; models take no others.';
  }
  const { properties = {}, required = [] } = parameters;
  const isSchema = isJsonObject(properties) && Array.isArray(required);
  return isSchema ? undefined : `The parameters of client tool '${name}' are no JSON schema of an object.`;
}

/**
 * What arguments are validated against: the types of the client's schema and which of them are required.
 * Values inside objects, enumerations and bounds are for the model to keep and for the client to check.
 */
function argumentSchema({ properties, required }: Record<string, unknown>): ToolSchema {
  // The risk is taken out of the arguments of every tool before they are checked.
  const { security_risk: _reserved, ...fields } = isJsonObject(properties) ? properties : {};
  const names = Array.isArray(required) ? required.filter((field) => typeof field === 'string') : [];
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(fields).map(([field, schema]) => [field, argumentType(schema)]),
    ),
    ...(names.length > 0 ? { required: names } : {}),
  };
}

/** The type of one argument; anything is taken where the schema names no type, or several. */
function argumentType(schema: unknown): Record<string, unknown> {
  if (!isJsonObject(schema)) return {};
  const type = singleType(schema['type']);
  if (SCALARS.has(type) || type === 'object') return { type };
  return type === 'array' ? { type, items: argumentType(schema['items']) } : {};
}

/** `["string", "null"]` is a string that may be left out. */
function singleType(type: unknown): unknown {
  if (!Array.isArray(type)) return type;
  const types: unknown[] = type.filter((name) => name !== 'null');
  return types.length === 1 ? types[0] : undefined;
}

import { textContent, type ToolAnnotations } from '../../events/index.js';
import { isJsonObject } from '../../json/index.js';
import { answeringTool } from '../function-tool.js';
import type { Tool, ToolDefinition, ToolSchema } from '../tool.js';

/** A tool that the client executes, in the form of the wire. */
export interface ClientToolSpec {
  name: string;
  description: string;
  /** JSON schema of the arguments, of type object. */
  parameters: Record<string, unknown>;
  annotations: (Omit<ToolAnnotations, 'title'> & { title: string | null }) | null;
}

/** Tool names that model providers accept. */
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Assumed for tools without annotations: the worst case (the defaults of MCP). */
const DEFAULT_ANNOTATIONS: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

/** Argument types that are validated and converted. */
const SCALAR_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'number', 'boolean']);

/** The name of an argument `kind` in actions, where `kind` is the action's type. Clients know this name. */
const KIND_ARGUMENT = 'mcp_arg_kind';

/**
 * Creates the definition of a client tool. Its calls are validated against the client's schema and answered
 * at once. The client receives them as events, executes them, and reports the result in a message.
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
    annotations: given ?? DEFAULT_ANNOTATIONS,
    clientDescription: { annotations: given ?? undefined, client_tool_name: name, input_schema: parameters },
    schema: argumentSchema(parameters),
    modelSchema: parameters,
    argumentsOf: ({ kind: _kind, [KIND_ARGUMENT]: own, ...rest }) =>
      own === undefined ? rest : { ...rest, kind: own },
    create: () => dispatchingTool(definition),
  };
  return definition;
}

/** Answers that the call was passed to the client, without waiting for the client. */
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

/** An agent as clients see it, with the client tools appended to its tools. */
export function withClientTools<Agent extends object>(agent: Agent, clientTools: readonly ClientToolSpec[]) {
  if (clientTools.length === 0) return agent;
  const tools: unknown = 'tools' in agent ? agent.tools : [];
  const specs = clientTools.map((spec) => ({ name: spec.name, params: { spec } }));
  return { ...agent, tools: [...(Array.isArray(tools) ? (tools as unknown[]) : []), ...specs] };
}

/** An error message if a client tool is invalid, else undefined. */
export function clientToolProblem({ name, parameters }: ClientToolSpec): string | undefined {
  if (!NAME.test(name)) {
    return 'A client tool name has 1 to 64 letters, digits, underscores and hyphens; models accept no others.';
  }
  const { properties = {}, required = [] } = parameters;
  const isSchema = isJsonObject(properties) && Array.isArray(required);
  return isSchema ? undefined : `The parameters of client tool '${name}' are not a JSON schema of an object.`;
}

/**
 * The schema for validation: types and required fields of the client's schema. Fields of nested objects,
 * enumerations and bounds are left to the client.
 */
function argumentSchema({ properties, required }: Record<string, unknown>): ToolSchema {
  // `security_risk` is removed from all calls before validation.
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

/** The schema of one argument. Any value is accepted if the schema names no type or several types. */
function argumentType(schema: unknown): Record<string, unknown> {
  if (!isJsonObject(schema)) return {};
  const type = singleType(schema['type']);
  if (SCALAR_TYPES.has(type) || type === 'object') return { type };
  return type === 'array' ? { type, items: argumentType(schema['items']) } : {};
}

/** `["string", "null"]` means an optional string. */
function singleType(type: unknown): unknown {
  if (!Array.isArray(type)) return type;
  const types: unknown[] = type.filter((name) => name !== 'null');
  return types.length === 1 ? types[0] : undefined;
}

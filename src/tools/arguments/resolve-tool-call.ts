import type { SecurityRisk } from '../../events/index.js';
import type { Tool, ToolInvocation } from '../tool.js';
import { decodeValues } from './decode-values.js';
import { CommandNotInferredError, inferFileEditorCommand } from './infer-command.js';
import { parseArguments } from './parse-arguments.js';
import { pythonJson, pythonRepr } from '../../text/index.js';
import { repairName } from './repair-name.js';
import { validateArguments } from './validate-arguments.js';

/** A tool call of a model after repair and validation. */
export type ResolvedToolCall =
  | {
      kind: 'valid';
      tool: Tool;
      invocation: ToolInvocation;
      /** The tool's registered name. */
      name: string;
      /** The repaired arguments as JSON, with `summary` and `security_risk`. */
      argumentsText: string;
      /** The model's summary of the call, or the call itself. */
      summary: string;
      securityRisk: SecurityRisk;
    }
  | {
      kind: 'invalid';
      /** As the model wrote it. */
      name: string;
      /** As the model wrote them; if that is not valid JSON, JSON that describes the error. */
      argumentsText: string;
      /** The message for the model. */
      error: string;
    };

/** A tool call as a model wrote it. */
interface RequestedCall {
  name: string;
  /** Usually JSON. */
  arguments: string;
}

/** Longer names are cut (characters). No tool has one, and events repeat the name several times. */
const MAX_NAME = 256;

const SECURITY_RISKS: readonly SecurityRisk[] = ['UNKNOWN', 'LOW', 'MEDIUM', 'HIGH'];

function isSecurityRisk(value: unknown): value is SecurityRisk {
  return SECURITY_RISKS.some((risk) => risk === value);
}

/**
 * Repairs and validates a tool call. Mistakes of the model are part of the result, never thrown.
 * @param options `analyzer`: whether a security analyzer uses the model's own estimate of the risk; if not,
 *   the estimate is dropped
 */
export function resolveToolCall(
  tools: ReadonlyMap<string, Tool>,
  { name: givenName, ...given }: RequestedCall,
  options: { analyzer: boolean },
): ResolvedToolCall {
  const call = { ...given, name: givenName.slice(0, MAX_NAME) };
  const parsed = parseArguments(call.arguments);
  if (!parsed.ok) {
    const error = `Error validating tool '${call.name}': ${parsed.error}. Arguments: unparseable JSON`;
    const argumentsText = pythonJson({ _openhands_malformed_tool_call: true, error });
    return { kind: 'invalid', name: call.name, argumentsText, error };
  }
  const invalid = (error: string): ResolvedToolCall => {
    return { kind: 'invalid', name: call.name, argumentsText: call.arguments, error };
  };
  const repaired = repairName(call.name, parsed.args, tools);
  const tool = tools.get(repaired.name);
  if (!tool) return invalid(`Tool '${call.name}' not found. Available: ${pythonRepr([...tools.keys()])}`);
  const refuse = (reason: string, args: Record<string, unknown>): ResolvedToolCall =>
    invalid(
      `Error validating tool '${call.name}': ${reason}. Parameters provided: ${pythonRepr(Object.keys(args))}`,
    );
  try {
    const args = repaired.name === 'file_editor' ? inferFileEditorCommand(repaired.args) : repaired.args;
    const decoded = decodeValues(tool.definition.schema, args);
    const structured = resolveFields(tool, decoded, parsed.omitted);
    if (structured.problem !== undefined) {
      const { security_risk: _risk, summary: _summary, ...own } = structured.args;
      return refuse(`response_schema validation failed: ${structured.problem}`, own);
    }
    return resolveArguments(tool, structured.args, options.analyzer, refuse);
  } catch (error) {
    if (error instanceof CommandNotInferredError) return refuse(error.message, repaired.args);
    throw error;
  }
}

/**
 * Repairs and validates the fields of a `response_schema`. Unlike null for an argument of the tool, null for
 * a field is a value if the schema allows it.
 * @param omitted the names of the arguments that were null
 */
function resolveFields(
  { definition: { response } }: Tool,
  given: Record<string, unknown>,
  omitted: readonly string[],
): { args: Record<string, unknown>; problem?: string } {
  if (!response) return { args: given };
  const args = decodeValues(response.decodable, given);
  const nulls = omitted.filter((name) => Object.hasOwn(response.properties, name));
  const withNulls = { ...args, ...Object.fromEntries(nulls.map((name) => [name, null])) };
  if (nulls.length > 0 && response.problemOf(response.split(withNulls).fields) === undefined)
    return { args: withNulls };
  return { args, problem: response.problemOf(response.split(args).fields) };
}

function resolveArguments(
  tool: Tool,
  args: Record<string, unknown>,
  analyzer: boolean,
  refuse: (reason: string, args: Record<string, unknown>) => ResolvedToolCall,
): ResolvedToolCall {
  const { definition } = tool;
  const { own, risk, summary } = separate(tool, args);
  const isRiskGiven = analyzer && !definition.annotations.readOnlyHint && risk !== undefined;
  if (isRiskGiven && !isSecurityRisk(risk))
    return refuse(`${pythonRepr(risk)} is not a valid SecurityRisk`, own);
  const validated = validateArguments(definition, definition.response?.split(own).rest ?? own);
  if (!validated.ok) return refuse(validated.error, own);
  const hasSummary = typeof summary === 'string' && summary.trim() !== '';
  return {
    kind: 'valid',
    tool,
    invocation: tool.prepare(validated.args),
    name: definition.name,
    argumentsText: pythonJson(args),
    summary: hasSummary ? summary : `${definition.name}: ${pythonJson(own)}`,
    securityRisk: isRiskGiven && isSecurityRisk(risk) ? risk : 'UNKNOWN',
  };
}

/** Separates the tool's own arguments from those of every call. A tool may declare its own `summary`. */
function separate(
  tool: Tool,
  args: Record<string, unknown>,
): { own: Record<string, unknown>; risk: unknown; summary: unknown } {
  const { security_risk: risk, ...withSummary } = args;
  const { summary, ...own } = withSummary;
  const ownsSummary = Object.hasOwn(tool.definition.schema.properties, 'summary');
  return { own: ownsSummary ? withSummary : own, risk, summary };
}

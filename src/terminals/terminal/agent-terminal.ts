import { randomUUID } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import type { AnnouncedTerminal } from '../../tools/index.js';
import type { OutputPace } from '../streams/output-pace.js';
import type { EndReason } from '../streams/terminal-notice.js';
import { TerminalStateError } from '../terminal-errors.js';
import { Terminal, type TerminalSize } from './terminal.js';

/** The size of the terminals of agents. */
const AGENT_SIZE: TerminalSize = { rows: 200, cols: 256 };
/** Output of agents that is kept (bytes): there may be many of them, and what they did is in the events. */
const SCROLLBACK_BYTES = 256 * 1024;
/** While a person types, what may be the beginning of a secret is shown after a pause (ms). */
const MASK_PAUSE_MS = 100;

/**
 * The terminal of an agent, for people who look at it: they see commands and output, with secrets masked.
 * Somebody may take it over while the agent is paused. Viewers never hold it up.
 */
export class AgentTerminal extends Terminal {
  private owner: string | null = null;
  private readonly decoder = new StringDecoder('utf8');
  private readonly mask;
  private maskTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly announced: AnnouncedTerminal,
    pace: OutputPace,
    onEnd: (terminal: AgentTerminal) => void,
  ) {
    const { conversationId, workingDir, session } = announced;
    super(
      {
        id: randomUUID(),
        conversationId,
        agent: true,
        title: null,
        shell: 'bash',
        cwd: workingDir,
        createdBy: null,
      },
      AGENT_SIZE,
      SCROLLBACK_BYTES,
      pace,
    );
    this.mask = announced.mask();
    session.listen({
      onOutput: (bytes) => this.onOutput(bytes),
      onGivenBack: () => this.givenBack(),
      onClosed: () => {
        clearTimeout(this.maskTimer);
        this.end(null, null, 'conversation_closed');
        onEnd(this);
      },
    });
  }

  override get takenOverBy(): string | null {
    return this.owner;
  }

  /**
   * Gives the terminal to a person. The conversation must have no run.
   * @param name of the person's key
   * @throws TerminalStateError if somebody else has it, or there is no shell to give
   */
  async takeOver(name: string): Promise<void> {
    if (this.owner !== null) throw new TerminalStateError(`${this.owner} has taken over this terminal`);
    this.owner = name;
    try {
      await this.announced.session.takeover.begin();
    } catch (error) {
      this.owner = null;
      throw new TerminalStateError(`The terminal cannot be taken over: ${String(error)}`);
    }
    this.notify({ type: 'control', taken_over_by: name });
  }

  /** Gives the terminal back to its agent. Does nothing if nobody has it. */
  giveBack(): Promise<void> {
    return this.announced.session.takeover.end();
  }

  /** It ends with its conversation only. */
  override close(_reason: EndReason): Promise<void> {
    return Promise.resolve();
  }

  protected override get pendingInput(): number {
    return this.announced.session.takeover.input?.pending ?? 0;
  }

  protected override writeInput(data: Buffer): void {
    this.announced.session.takeover.input?.write(data);
  }

  protected override inputRoom(below: number): Promise<void> {
    return this.announced.session.takeover.input?.hasRoom(below) ?? Promise.resolve();
  }

  protected override applySize({ rows, cols }: TerminalSize): void {
    this.announced.session.takeover.resize(cols, rows);
  }

  /** The agent must not wait for viewers. */
  protected override setReading(): void {
    return;
  }

  private onOutput(bytes: Buffer): void {
    this.appendText(this.mask.write(this.decoder.write(bytes)));
    clearTimeout(this.maskTimer);
    if (this.owner !== null)
      this.maskTimer = setTimeout(() => this.appendText(this.mask.end()), MASK_PAUSE_MS);
  }

  private appendText(text: string): void {
    if (text !== '') this.append(Buffer.from(text));
  }

  private givenBack(): void {
    this.owner = null;
    clearTimeout(this.maskTimer);
    this.appendText(this.mask.end());
    this.size = AGENT_SIZE;
    this.notify({ type: 'size', ...AGENT_SIZE });
    this.notify({ type: 'control', taken_over_by: null });
  }
}

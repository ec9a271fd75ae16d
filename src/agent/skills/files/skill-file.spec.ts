import fc from 'fast-check';
import { stringify } from 'yaml';
import { FrontmatterError, parseFrontmatter } from './frontmatter.js';
import { parseAgentSkill, parseSkillFile } from './skill-file.js';

describe('skill files', () => {
  const parse = async (head: string, body = 'Body.') =>
    parseSkillFile('/p/x.md', `---\n${head}\n---\n${body}\n`, 'x');

  it('returns all fields of the frontmatter', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    const fields = fc.dictionary(
      fc.stringMatching(/^[a-z][a-z_-]{0,10}$/),
      fc.oneof(text, fc.array(text, { maxLength: 4 })),
    );
    const line = text.map((of) => of.replace(/[\r\n]/g, ' ')).filter((of) => of.trimEnd() !== '---');
    await fc.assert(
      fc.asyncProperty(fields, fc.array(line, { maxLength: 5 }), async (written, lines) => {
        const head = stringify(written);
        fc.pre(!head.split('\n').some((of) => of.trimEnd() === '---'));
        const parsed = await parseFrontmatter(`---\n${head}---\n${lines.join('\n')}`);
        expect(parsed.fields).toEqual(written);
        expect(parsed.body).toBe(lines.join('\n').trim());
      }),
    );
  });

  it('parses or rejects any content', async () => {
    const piece = fc.constantFrom(
      '---\n',
      'name: x\n',
      'triggers:\n',
      '- a\n',
      ': ',
      '&a ',
      '*a ',
      '[',
      '}',
      '\t',
      '"',
      '\r\n',
      '|\n',
      '!!js ',
      'é',
    );
    const text = fc.array(piece, { maxLength: 20 }).map((of) => `---\n${of.join('')}`);
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        try {
          const { skill } = await parseSkillFile('/p/x.md', content, 'x');
          expect(typeof skill.name).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(FrontmatterError);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['triggers: [a, 7]', { type: 'keyword', keywords: ['a', '7'] }],
    ['triggers: a, b', { type: 'keyword', keywords: ['a', 'b'] }],
    ['triggers: []', null],
    ['inputs:\n- name: PLACE', { type: 'task', triggers: ['/x'] }],
    ['triggers: [go]\ninputs:\n- name: PLACE', { type: 'task', triggers: ['go', '/x'] }],
    ['paths: "**/*.ts, lib"', { type: 'path', paths: ['**/*.ts', 'lib'] }],
    ['paths: [a]\ntriggers: [b]', { type: 'path', paths: ['a'] }],
  ])('derives from %j the trigger %j', async (head, trigger) => {
    expect((await parse(head)).skill.trigger).toEqual(trigger);
  });

  it('asks for variables, hides path rules from the model and warns about ignored triggers', async () => {
    const task = await parse('inputs:\n- name: PLACE', 'Go to ${PLACE}.');
    expect(task.skill.content).toMatch(/^Go to \$\{PLACE\}\.\n\nIf the user didn't provide/);
    const rule = await parse('paths: [a]\ntriggers: [b]');
    expect(rule.skill.disable_model_invocation).toBe(true);
    expect(rule.warnings).toHaveLength(1);
  });

  it('requires a SKILL.md to have the name of its folder', async () => {
    const read = (head: string) => parseAgentSkill('/p/my-skill/SKILL.md', `---\n${head}\n---\nB`);
    const { skill } = await read('allowed-tools: Bash, Read\nmetadata: {a: 1}\ndescription: D');
    expect(skill).toMatchObject({
      name: 'my-skill',
      is_agentskills_format: true,
      allowed_tools: ['Bash', 'Read'],
      metadata: { a: '1' },
    });
    await expect(read('name: other')).rejects.toThrow("name 'other' differs");
    await expect(read('name: My_Skill')).rejects.toThrow('not a valid skill name');
  });
});

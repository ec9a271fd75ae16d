import { fieldsOf } from '../../../http/index.js';
import { LLMDto } from '../../dto/llm.dto.js';
import { agentSchema } from './agent-schema.js';

describe('the form of the agent settings', () => {
  const fields = agentSchema().sections.flatMap((section) => section.fields);

  it('has no texts for the fields of AWS, as in the original, although the API document has', () => {
    const ofAws = fields.filter(({ key }) => key.startsWith('llm.aws_'));
    expect(ofAws.map(({ description }) => description)).toEqual(Array<null>(8).fill(null));
    expect(fieldsOf(LLMDto).get('aws_region_name')?.description).toContain('AWS region');
  });

  it('has a text for every other field', () => {
    const others = fields.filter(({ key }) => !key.startsWith('llm.aws_'));
    expect(others.filter(({ description }) => !description).map(({ key }) => key)).toEqual([]);
  });
});

import { Field } from '../../../http/validation/field.js';
import { integer, text } from '../../../http/validation/field-type.js';

/** What an agent is to reach. */
export class StartGoalRequestDto {
  @Field(text())
  objective!: string;

  @Field(integer({ ge: 1 }), 'Audits after which the work ends in any case.')
  max_iterations = 10;
}

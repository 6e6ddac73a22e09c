export { basicEnvironment, gitEnvironment } from './environment.ts';
export {
  lastLines,
  type MissingProgram,
  MissingProgramError,
  type ProgramResult,
  type ProgramRun,
  runProgram,
} from './run.ts';

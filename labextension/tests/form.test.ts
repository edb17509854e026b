import { Failure } from '../src/api';
import { Form } from '../src/form';
import { ALL, answering, plan, recipes, refusal } from './answering';

const LLAMA = 'meta-llama/Llama-3.1-8B-Instruct';

test('it opens on the model that is suggested, with its recipes and the line', async () => {
  const { api } = answering(ALL);
  const form = new Form(api);
  await form.open();
  expect(form.model).toBe(LLAMA);
  expect(form.recipe?.recipe).toBe('mi300x-bf16-tp1');
  expect(form.plan?.line).toBe(plan.line);
  expect(form.request).toEqual({ model: LLAMA });
  form.dispose();
});

test('only what was chosen is asked for', async () => {
  const { api, asked } = answering(ALL);
  const form = new Form(api);
  await form.open();
  form.setUsers(8);
  form.setContext(32_768);
  await form.chooseRecipe('mi300x-fp8-tp1');
  expect(asked.at(-1)).toMatchObject({
    method: 'POST',
    path: 'plan',
    body: { model: LLAMA, recipe: 'mi300x-fp8-tp1', users: 8, context: 32_768 }
  });
  form.dispose();
});

test('a figure that is typed is asked about once it stands', async () => {
  const { api, asked } = answering(ALL);
  const form = new Form(api);
  await form.open();
  const before = asked.length;
  form.setUsers(1);
  form.setUsers(12);
  await new Promise(resolve => setTimeout(resolve, 700));
  const later = asked.slice(before).filter(({ path }) => path === 'recipes');
  expect(later.map(({ query }) => query.users)).toEqual(['12']);
  form.dispose();
});

test('what does not fit is not planned, and an answer to another choice is dropped', async () => {
  const { api, answers, asked } = answering(ALL);
  const form = new Form(api);
  await form.open();
  await form.chooseRecipe('mi300x-bf16-tp2');
  expect([form.recipe?.verdict, form.plan]).toEqual(['NO', null]);

  const slow = form.chooseModel('Qwen/Qwen3-32B');
  answers['GET recipes'] = { rows: recipes.rows.slice(1) };
  const quick = form.chooseModel('demo');
  await Promise.all([slow, quick]);
  expect(form.model).toBe('demo');
  expect(form.recipes.map(row => row.recipe)[0]).toBe('mi300x-fp8-tp1');
  expect(asked.filter(({ path }) => path === 'plan').at(-1)?.body).toMatchObject({ model: 'demo' });
  form.dispose();
});

test('the verdict stands before it is known where the weights come from', async () => {
  const { api, asked } = answering(ALL);
  const form = new Form(api);
  const seen: [string | undefined, boolean][] = [];
  form.changed.connect(() => {
    seen.push([form.recipe?.verdict, asked.some(({ path }) => path === 'plan')]);
  });
  await form.open();
  expect(seen).toContainEqual(['TIGHT', false]);
  form.dispose();
});

test('after its launch nothing is chosen, and another form is left as it is', async () => {
  const { api, asked } = answering(ALL);
  const form = new Form(api);
  await form.open();
  await form.launched('demo');
  expect(form.model).toBe(LLAMA);
  await form.launched(LLAMA);
  expect([form.model, form.recipe, form.plan]).toEqual(['', null, null]);
  expect(asked.at(-1)).toMatchObject({ method: 'GET', path: 'models' });
  await form.chooseModel(LLAMA, true);
  expect(form.request).toEqual({ model: LLAMA, new: true });
  form.dispose();
});

test('a refusal stands in the form until the next question', async () => {
  const { api, answers } = answering({
    ...ALL,
    'GET recipes': refusal(404, 'UnknownName', "There is no model 'x'.", '%aim recipes')
  });
  const form = new Form(api);
  await form.chooseModel('x');
  expect(form.failure?.found).toBe("There is no model 'x'.");
  answers['GET recipes'] = recipes;
  await form.chooseModel('demo');
  expect(form.failure).toBeNull();
  form.refused(new Failure('NoFit', 'no', 'less', 409));
  expect(form.failure).toMatchObject({ kind: 'NoFit' });
  form.dispose();
});

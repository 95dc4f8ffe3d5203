// Rows W1 to W3 on Restate: one handler, each step a durable ctx.run, one after the other or at the same time. Usage: restate-service.mjs PORT
import * as restate from '@restatedev/restate-sdk';

const chain = restate.service({
  name: 'chain',
  handlers: {
    chain: async (ctx, { n, steps }) => {
      let value = n;
      for (let index = 0; index < steps; index += 1) {
        value = await ctx.run(`step${index}`, () => value + 1);
      }
      return { n: value };
    },
    fan: async (ctx, { n, steps }) => {
      const tasks = Array.from({ length: steps }, (_, index) => ctx.run(`task${index}`, () => n + 1));
      const values = await restate.RestatePromise.all(tasks);
      return { n: values.reduce((sum, value) => sum + value, 0) };
    },
  },
});

restate.serve({ services: [chain], port: Number(process.argv[2]) });

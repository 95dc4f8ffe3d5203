// Rows W1 and W3 on Restate: one handler, each step a durable ctx.run. Usage: restate-service.mjs PORT
import * as restate from '@restatedev/restate-sdk';

const chain = restate.service({
  name: 'chain',
  handlers: {
    run: async (ctx, { n, steps }) => {
      let value = n;
      for (let index = 0; index < steps; index += 1) {
        value = await ctx.run(`step${index}`, () => value + 1);
      }
      return { n: value };
    },
  },
});

restate.serve({ services: [chain], port: Number(process.argv[2]) });

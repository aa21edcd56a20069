// Identity leaks: outputs that tell who wrote them

async function showLeaks() {
  const reply = await ask("ask_leaks");
  if (!reply) return;
  if (!reply.leaks.length) {
    return draw("leaks", make("p", "hint", "No output names a model or checkpoint."));
  }
  draw("leaks", table(["Words", "Prompt", "Checkpoint", "Campaign"], reply.leaks.map((one) => [
    one.output + one.start, make("span", "said", one.words), one.item, one.checkpoint, one.campaign,
  ])));
}

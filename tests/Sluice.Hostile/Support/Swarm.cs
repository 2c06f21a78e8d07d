namespace Sluice.Hostile.Support;

/// <summary>The same attack very many times, so that what each leaves behind adds up to more than the bound.</summary>
internal static class Swarm
{
    public const int Size = 1000;

    /// <summary>What all of them may leave: 4 KiB each, less than an open connection or what most of them send.</summary>
    public const int Bound = 4 * 1024 * 1024;

    // More would have the transport's pool keep more blocks: memory that the next connections use.
    private const int AtOnce = 25;

    public static Task AttackAsync(Target target, Func<Attacker, Task> attack, int atOnce = AtOnce) => Parallel.ForAsync(
        0,
        Size,
        new ParallelOptions { MaxDegreeOfParallelism = atOnce },
        async (_, _) =>
        {
            using var attacker = await Attacker.ConnectAsync(target.Port);
            await attack(attacker);
        });
}

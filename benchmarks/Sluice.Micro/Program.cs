using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;

// ./bench --micro: some minutes, on a machine that does nothing else.
// The memory that compression takes for each connection: ./bench --micro memory
if (args is ["memory", ..])
{
    Sluice.Micro.CompressionMemory.Run(args.ElementAtOrDefault(1));
    return;
}
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly)
    .Run(args, DefaultConfig.Instance.WithArtifactsPath(Path.Combine("artifacts", "bench")));

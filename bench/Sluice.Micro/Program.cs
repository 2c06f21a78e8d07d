using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;

// About three minutes, on a machine that does nothing else:
// dotnet run -c Release --project bench/Sluice.Micro -- --filter "*" --job short --iterationTime 250
// The memory that compression takes for each connection: … -- memory
if (args is ["memory", ..])
{
    Sluice.Micro.CompressionMemory.Run(args.ElementAtOrDefault(1));
    return;
}
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly)
    .Run(args, DefaultConfig.Instance.WithArtifactsPath(Path.Combine("artifacts", "bench")));

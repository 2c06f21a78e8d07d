using System.IO.Pipelines;

namespace Sluice.Tests.Connection;

/// <summary>Two ends of an in-memory transport.</summary>
internal sealed class PipePair
{
    public PipePair(PipeOptions? options = null)
    {
        var there = new Pipe(options ?? PipeOptions.Default);
        var back = new Pipe(options ?? PipeOptions.Default);
        Server = new End(there.Reader, back.Writer);
        Client = new End(back.Reader, there.Writer);
    }

    public IDuplexPipe Server { get; }

    public IDuplexPipe Client { get; }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

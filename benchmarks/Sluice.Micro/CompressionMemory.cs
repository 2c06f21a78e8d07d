using System.IO.Pipelines;
using Sluice.Compression;
using Sluice.Protocol;

namespace Sluice.Micro;

/// <summary>
/// What a connection takes for compression: the growth of the process's resident memory over that of as many connections
/// without it, after each has received and sent the same messages.
/// </summary>
internal static class CompressionMemory
{
    private const int Connections = 300;

    // Enough for the windows to be touched as a whole: memory that zlib has never used is not resident.
    private const int Messages = 80;

    /// <param name="setting">One of <see cref="Settings"/>, to be measured in this process; none to start one for each, as
    /// memory that was given back stays resident.</param>
    public static void Run(string? setting)
    {
        if (setting is not null)
        {
            Console.WriteLine(MeasureAsync(Settings[setting]).GetAwaiter().GetResult());
            return;
        }
        var plain = RunAlone("off");
        Console.WriteLine("| context takeover, window, memory level | KiB for each connection |\n|---|---|");
        foreach (var name in Settings.Keys.Where(name => name != "off"))
        {
            Console.WriteLine($"| {name} | {(RunAlone(name) - plain) / 1024.0 / Connections:F0} |");
        }
    }

    private static readonly Dictionary<string, DeflateAgreement?> Settings = new()
    {
        ["off"] = null,
        ["both ways, 15 bits, 8"] = Both(15, 8),
        ["both ways, 15 bits, 5"] = Both(15, 5),
        ["both ways, 13 bits, 5"] = Both(13, 5),
        ["both ways, 12 bits, 5"] = Both(12, 5),
        ["both ways, 9 bits, 5"] = Both(9, 5),
        ["both ways, 9 bits, 1"] = Both(9, 1),
        ["what is sent, 13 bits, 5"] = Both(13, 5) with { ClientNoContextTakeover = true },
        ["what is received, 13 bits, 5"] = Both(13, 5) with { ServerNoContextTakeover = true },
        ["none, 13 bits, 5"] = Both(13, 5) with { ServerNoContextTakeover = true, ClientNoContextTakeover = true },
    };

    private static DeflateAgreement Both(int bits, int level)
        => new() { Options = new() { WindowBits = bits, MemoryLevel = level, Threshold = 0 } };

    private static long RunAlone(string setting)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("dotnet")
        {
            ArgumentList = { typeof(CompressionMemory).Assembly.Location, "memory", setting },
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return long.Parse(output, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<long> MeasureAsync(DeflateAgreement? agreement)
    {
        var before = Resident();
        var random = new Random(1);
        var message = new byte[1024];
        var connections = new List<WebSocketConnection>();
        using var peer = new Deflater(new(15, 6, 8));
        for (var i = 0; i < Connections; i++)
        {
            var there = new Pipe();
            var back = new Pipe();
            var connection = new WebSocketConnection(new Duplex(there.Reader, back.Writer), Role.Server, compression: agreement);
            for (var sent = 0; sent < Messages; sent++)
            {
                random.NextBytes(message.AsSpan(0, 700));
                Write(there.Writer, agreement is null ? null : peer, message);
                await there.Writer.FlushAsync().ConfigureAwait(false);
                using (var received = await connection.ReceiveAsync().ConfigureAwait(false)) await connection.SendAsync(received).ConfigureAwait(false);
                back.Reader.AdvanceTo((await back.Reader.ReadAsync().ConfigureAwait(false)).Buffer.End);
            }
            connections.Add(connection);
        }
        var after = Resident();
        foreach (var connection in connections) connection.Abort();
        foreach (var connection in connections) await connection.Released.ConfigureAwait(false);
        return after - before;
    }

    // As a client sends it, that refers to no earlier message.
    private static void Write(PipeWriter output, Deflater? deflater, ReadOnlySpan<byte> message)
    {
        if (deflater is null)
        {
            FrameWriter.Write(output, Opcode.Binary, message, maskingKey: 1);
            return;
        }
        Span<byte> deflated = stackalloc byte[2048];
        deflater.Deflate(ref message, deflated, forget: true, out var length);
        FrameWriter.Write(output, Opcode.Binary, deflated[..(length - 4)], maskingKey: 1, reserved: ReservedBits.Rsv1);
    }

    private static long Resident()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

using System.Text;
using Sluice.Compression;
using Sluice.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>Many senders through one compressor: what passes it first is first on the wire.</summary>
public class CompressionConcurrencyTests
{
    private static readonly TimeSpan Guard = RawPeer.Guard;

    private static readonly DeflateAgreement Takeover = new() { Options = new() { Threshold = 0 } };

    private static readonly DeflateAgreement NoTakeover = Takeover with { ServerNoContextTakeover = true, ClientNoContextTakeover = true };

    [Theory, InlineData(true), InlineData(false)]
    public async Task Many_senders_of_every_kind_get_through_in_order(bool takeover)
    {
        const int Senders = 8;
        const int Each = 150;
        var agreement = takeover ? Takeover : NoTakeover;
        var pair = new PipePair();
        var server = new WebSocketConnection(pair.Server, Role.Server, compression: agreement);
        var client = new WebSocketConnection(pair.Client, Role.Client, compression: agreement);
        var prepared = Enumerable.Range(0, Senders).Select(i => new PreparedMessage($"{i} prepared " + new string('p', 300))).ToArray();
        var sending = Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            var random = new Random(sender);
            for (var i = 0; i < Each; i++)
            {
                var text = $"{sender} {i} " + new string((char)('a' + random.Next(26)), random.Next(3000));
                switch (random.Next(4))
                {
                    case 0:
                        await using (var writer = await server.OpenMessageAsync(MessageType.Text))
                        {
                            await writer.WriteAsync(Encoding.UTF8.GetBytes(text[..3]));
                            await writer.WriteAsync(Encoding.UTF8.GetBytes(text[3..]));
                        }
                        break;
                    case 1:
                        await server.SendAsync(prepared[sender]);
                        await server.SendAsync(text);
                        break;
                    case 2:
                        await server.SendAsync(text);
                        await server.PingAsync();
                        break;
                    default:
                        await server.SendAsync(MessageType.Text, Encoding.UTF8.GetBytes(text));
                        break;
                }
            }
        })).ToArray();
        var next = new int[Senders];
        while (next.Sum() < Senders * Each)
        {
            using var message = await client.ReceiveAsync().AsTask().WaitAsync(Guard);
            message.IsText.ShouldBeTrue(client.CloseResult?.ToString());
            var words = message.Text.Split(' ', 3);
            if (words[1] != "prepared") next[int.Parse(words[0])]++.ShouldBe(int.Parse(words[1]));
        }
        await Task.WhenAll(sending).WaitAsync(Guard);
        server.Abort();
        client.Abort();
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Aborting_while_others_compress_ends_them_all(bool takeover)
    {
        var large = new byte[300_000];
        new Random(1).NextBytes(large);
        for (var round = 0; round < 40; round++)
        {
            var pair = new PipePair(new System.IO.Pipelines.PipeOptions(pauseWriterThreshold: 0));
            var server = new WebSocketConnection(pair.Server, Role.Server, compression: takeover ? Takeover : NoTakeover);
            var begun = new TaskCompletionSource();
            var sending = Enumerable.Range(0, 3).Select(kind => Task.Run(async () =>
            {
                while (true)
                {
                    begun.TrySetResult();
                    if (kind == 0)
                    {
                        await using var writer = await server.OpenMessageAsync(MessageType.Binary);
                        await writer.WriteAsync(large);
                        await writer.WriteAsync(large);
                    }
                    else if (kind == 1)
                    {
                        await server.SendAsync(large);
                    }
                    else if (!server.TrySend(MessageType.Binary, large) && server.State == ConnectionState.Closed)
                    {
                        await server.SendAsync(large);
                    }
                }
            })).ToArray();
            await begun.Task;
            if (round % 2 == 0) await server.SendAsync("in between");
            server.Abort();
            foreach (var sender in sending) await Should.ThrowAsync<WebSocketClosedException>(sender.WaitAsync(Guard));
            pair.Client.Input.Complete();
            pair.Client.Output.Complete();
            await server.Released.WaitAsync(Guard);
        }
    }

    [Fact]
    public async Task What_compression_saves_is_counted()
    {
        using var metrics = new ConnectionMetrics();
        var counted = new Dictionary<string, long>();
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        var options = new ConnectionOptions { Metrics = metrics };
        var peer = new RawPeer(options: options, compression: Takeover);
        await peer.Connection.SendAsync(new string('x', 1000));
        var frame = (await peer.ReadFrameAsync()).ShouldNotBeNull();
        await peer.SendFrameAsync(0xC1, frame.Payload);
        using (var message = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard))
        {
            message.Payload.Length.ShouldBe(1000);
        }
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Name == "sluice.compression.bytes") l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            var key = $"{tags[0].Value} {tags[1].Value}";
            counted[key] = Math.Max(value, counted.GetValueOrDefault(key));
        });
        listener.Start();
        listener.RecordObservableInstruments();
        counted["sent plain"].ShouldBeGreaterThanOrEqualTo(1000);
        counted["sent deflated"].ShouldBeGreaterThanOrEqualTo(frame.Payload.Length);
        counted["received plain"].ShouldBeGreaterThanOrEqualTo(1000);
        counted["received deflated"].ShouldBeGreaterThanOrEqualTo(frame.Payload.Length);
        peer.Connection.Abort();
    }
}

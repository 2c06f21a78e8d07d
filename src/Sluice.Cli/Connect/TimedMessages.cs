using System.Globalization;
using System.Text;

namespace Sluice.Cli.Connect;

/// <summary>A message now and at every interval: a text of one's own, or the time (RFC 3339).</summary>
internal sealed class TimedMessages(TimeSpan every, MessageType type, string? text, int? count, TimeProvider time) : IMessageSource
{
    private int _sent;

    public async Task SendAllAsync(Func<MessageType, ReadOnlyMemory<byte>, ValueTask> send, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(every, time);
        while (_sent != count)
        {
            await send(type, Encoding.UTF8.GetBytes(text ?? Now())).ConfigureAwait(false);
            if (++_sent == count) return;
            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    private string Now() => time.GetLocalNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fffzzz", CultureInfo.InvariantCulture);
}

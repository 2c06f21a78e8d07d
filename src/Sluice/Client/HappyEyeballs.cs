using System.Net;
using System.Net.Sockets;

namespace Sluice;

/// <summary>
/// Connects to whichever of several addresses answers first (RFC 8305): they are tried one after the other, each a little
/// after the one before or as soon as that has failed, IPv6 and IPv4 in turn. Sockets that lose are closed.
/// </summary>
/// <param name="addresses">Best first, as a resolver gives them.</param>
/// <param name="port">The port at each.</param>
/// <param name="delay">RFC 8305's Connection Attempt Delay.</param>
/// <param name="time">The clock for it.</param>
internal sealed class HappyEyeballs(IReadOnlyList<IPAddress> addresses, int port, TimeSpan delay, TimeProvider time)
{
    /// <exception cref="SocketException">None answered; this is what the first of them said.</exception>
    public async Task<Socket> ConnectAsync(CancellationToken cancellation)
    {
        if (addresses.Count == 0) throw new SocketException((int)SocketError.HostNotFound);
        using var race = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var ahead = new Queue<IPAddress>(Interleave(addresses));
        var running = new List<Task<Socket>>();
        Exception? failure = null;
        try
        {
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                if (ahead.TryDequeue(out var address)) running.Add(ConnectAsync(address, race.Token));
                else if (running.Count == 0) throw failure!;
                if (await NextAsync(running, mayStartAnother: ahead.Count > 0, race.Token).ConfigureAwait(false) is not { } done) continue;
                running.Remove(done);
                if (done.IsCompletedSuccessfully) return await done.ConfigureAwait(false);
                var error = done.Exception?.InnerException;
                failure ??= error;
            }
        }
        finally
        {
            await race.CancelAsync().ConfigureAwait(false);
            foreach (var loser in running) _ = CloseAsync(loser);
        }
    }

    /// <summary>RFC 8305 §4: the families in turn, beginning with that of the best address.</summary>
    internal static IEnumerable<IPAddress> Interleave(IReadOnlyList<IPAddress> addresses)
    {
        var first = new Queue<IPAddress>(addresses.Where(address => address.AddressFamily == addresses[0].AddressFamily));
        var second = new Queue<IPAddress>(addresses.Where(address => address.AddressFamily != addresses[0].AddressFamily));
        while (first.Count + second.Count > 0)
        {
            if (first.TryDequeue(out var address)) yield return address;
            if (second.TryDequeue(out address)) yield return address;
        }
    }

    // The attempt that is done next; null when it is time for another one.
    private async Task<Task<Socket>?> NextAsync(List<Task<Socket>> running, bool mayStartAnother, CancellationToken cancellation)
    {
        var any = Task.WhenAny(running);
        if (!mayStartAnother) return await any.ConfigureAwait(false);
        var first = await Task.WhenAny(any, Task.Delay(delay, time, cancellation)).ConfigureAwait(false);
        return first == any ? await any.ConfigureAwait(false) : null;
    }

    private async Task<Socket> ConnectAsync(IPAddress address, CancellationToken cancellation)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, port, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // One may have connected in the moment in which another had won.
    private static async Task CloseAsync(Task<Socket> loser)
    {
        try
        {
            (await loser.ConfigureAwait(false)).Dispose();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // It had no socket to close.
        }
    }
}

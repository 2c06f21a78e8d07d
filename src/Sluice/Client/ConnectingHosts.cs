using System.Net;

namespace Sluice;

/// <summary>
/// The remote hosts with which an opening handshake is under way, at most one with each (RFC 6455 §4.1, step 2). Whoever comes
/// while there is one stands in line, first come, first served. Thread-safe.
/// </summary>
internal sealed class ConnectingHosts
{
    // In line, in the order of arrival; null as long as nobody waits.
    private readonly Dictionary<RemoteHost, LinkedList<TaskCompletionSource>?> _connecting = [];
    private readonly Lock _gate = new();

    /// <summary>Those of this process.</summary>
    public static ConnectingHosts Shared { get; } = new();

    /// <summary>With how many hosts a handshake is under way.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _connecting.Count;
        }
    }

    /// <summary>Waits until no other handshake with any of these hosts is under way.</summary>
    /// <param name="hosts">One name, or the addresses that will be dialled.</param>
    /// <param name="cancellation">Ends the wait, and leaves the line.</param>
    /// <returns>To be disposed when the connection is established or has failed.</returns>
    /// <exception cref="StillConnectingException">The token was cancelled while another one's handshake was under way.</exception>
    public async ValueTask<IDisposable> EnterAsync(IEnumerable<RemoteHost> hosts, CancellationToken cancellation)
    {
        // Everybody goes from line to line in the same order, or two could wait for each other.
        var turn = new Turn(this, [.. hosts.Distinct().Order()]);
        try
        {
            await turn.TakeAsync(cancellation).ConfigureAwait(false);
            return turn;
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    // Null: nobody was there.
    private LinkedListNode<TaskCompletionSource>? Enter(RemoteHost host)
    {
        lock (_gate)
        {
            if (_connecting.TryAdd(host, null)) return null;
            var line = _connecting[host] ??= new();
            return line.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
    }

    private async Task WaitAsync(LinkedListNode<TaskCompletionSource> place, CancellationToken cancellation)
    {
        using var cancelling = cancellation.UnsafeRegister(static (place, token) => Cancel((LinkedListNode<TaskCompletionSource>)place!, token), place);
        try
        {
            await place.Value.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            lock (_gate) place.List?.Remove(place);
            throw new StillConnectingException(e);
        }
    }

    private static void Cancel(LinkedListNode<TaskCompletionSource> place, CancellationToken token) => place.Value.TrySetCanceled(token);

    // The turn goes to the first in line who still wants it.
    private void Leave(RemoteHost host)
    {
        lock (_gate)
        {
            var line = _connecting[host];
            while (line?.First is { } next)
            {
                line.RemoveFirst();
                if (next.Value.TrySetResult()) return;
            }
            _connecting.Remove(host);
        }
    }

    private sealed class Turn(ConnectingHosts all, RemoteHost[] hosts) : IDisposable
    {
        private int _taken;

        public async ValueTask TakeAsync(CancellationToken cancellation)
        {
            foreach (var host in hosts)
            {
                if (all.Enter(host) is { } place) await all.WaitAsync(place, cancellation).ConfigureAwait(false);
                _taken++;
            }
        }

        public void Dispose()
        {
            for (; _taken > 0; _taken--) all.Leave(hosts[_taken - 1]);
        }
    }
}

/// <summary>What RFC 6455 §4.1 takes for one remote host: an address and a port, by whatever names it is known; or, where a proxy
/// looks the address up, a name and a port.</summary>
internal readonly record struct RemoteHost(string Name, int Port) : IComparable<RemoteHost>
{
    /// <summary>An IPv4 address is the same host in its IPv6 form.</summary>
    public static RemoteHost Of(IPAddress address, int port)
        => new((address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString(), port);

    /// <summary>Names are compared without regard to case and the root's dot.</summary>
    public static RemoteHost Of(Uri url) => new(url.IdnHost.TrimEnd('.').ToLowerInvariant(), url.Port);

    public int CompareTo(RemoteHost other)
    {
        var byName = string.CompareOrdinal(Name, other.Name);
        return byName != 0 ? byName : Port.CompareTo(other.Port);
    }
}

/// <summary>The time was over while another handshake with the same host was under way.</summary>
internal sealed class StillConnectingException(OperationCanceledException inner)
    : OperationCanceledException("another opening handshake with the same host was under way", inner, inner.CancellationToken);

using System.Buffers;
using System.IO.Pipelines;
using Sluice.AspNetCore;

namespace Sluice.Proxy;

/// <summary>
/// Two connections joined after a WebSocket handshake: bytes forwarded unread, both ways at once. In memory are at most
/// the transport's buffers and one <see cref="ProxyOptions.BufferSize"/> a direction, and nothing while idle: a side that does not
/// read is not read for.
/// </summary>
/// <remarks>
/// The end of the client's side is passed on; what the backend still sends reaches the client where the listener allows it
/// (<see cref="HalfClose.UseHalfClose"/>), until nothing came for <see cref="ProxyOptions.HalfCloseTimeout"/>.
/// The end of the backend's side ends the tunnel: Kestrel cannot shut one direction of a connection, so the client gets all
/// that came and then the end of its connection. A reset of one side resets the other.
/// </remarks>
internal sealed class Tunnel : IDisposable
{
    private const int SmallRead = 2048;

    private readonly IDuplexPipe _client;
    private readonly Action _abortClient;
    private readonly BackendConnection _backend;
    private readonly ReadOnlyMemory<byte> _early;
    private readonly ProxyOptions _options;
    private readonly ProxyMetrics _metrics;
    private readonly Lock _cutting = new();
    private readonly Watch _clientTakes;
    private readonly Watch _backendTakes;
    private readonly Watch _halfClosed;
    private int _end;
    private bool _backendEnded;
    private bool _halfCloseBegan;
    private bool _disposed;

    /// <summary>Joins the two; nothing flows before <see cref="RunAsync"/>.</summary>
    /// <param name="client">The client's side.</param>
    /// <param name="abortClient">Resets the client's connection; pending calls on it fail.</param>
    /// <param name="backend">The backend's side; the caller closes it after the run.</param>
    /// <param name="options">Time-outs and buffer size.</param>
    /// <param name="metrics">Counts bytes and open tunnels.</param>
    public Tunnel(IDuplexPipe client, Action abortClient, BackendTunnelEnd backend, ProxyOptions options, ProxyMetrics metrics)
    {
        _client = client;
        _abortClient = abortClient;
        _backend = backend.Connection;
        _early = backend.Early;
        _options = options;
        _metrics = metrics;
        _clientTakes = new(options, options.SendTimeout, () => Cut(TunnelEnd.ClientStalled));
        _backendTakes = new(options, options.SendTimeout, () => Cut(TunnelEnd.BackendStalled));
        _halfClosed = new(options, options.HalfCloseTimeout, () => Cut(TunnelEnd.HalfCloseTimeout));
        Opened = options.TimeProvider.GetTimestamp();
        metrics.TunnelOpened();
    }

    /// <summary>When it was opened, on the options' clock.</summary>
    public long Opened { get; }

    public TunnelEnd End => (TunnelEnd)Volatile.Read(ref _end);

    public long BytesToBackend { get; private set; }

    public long BytesToClient { get; private set; }

    /// <summary>Forwards until both directions have ended. Never throws: the outcome is <see cref="End"/>.</summary>
    public Task RunAsync() => Task.WhenAll(CopyToBackendAsync(), CopyToClientAsync());

    /// <summary>Ends both sides at once with a reset. From any thread, any number of times.</summary>
    public void Cut(TunnelEnd why)
    {
        // Once disposed, the request behind _abortClient is over, and may already be another. The backend comes second:
        // the tunnel does not end before it, so the request is still there while the client is aborted.
        lock (_cutting)
        {
            if (_disposed) return;
            if (why == TunnelEnd.HalfCloseTimeout) Volatile.Write(ref _end, (int)why); // the close before it was not the whole story
            else EndsBy(why);
            _abortClient();
            _backend.Abort();
        }
    }

    public void Dispose()
    {
        lock (_cutting) _disposed = true;
        _clientTakes.Dispose();
        _backendTakes.Dispose();
        _halfClosed.Dispose();
        _metrics.TunnelClosed();
    }

    private void EndsBy(TunnelEnd why) => Interlocked.CompareExchange(ref _end, (int)why, (int)TunnelEnd.Open);

    // From the first sign of an end on, whichever direction sees it; then only bytes that the client took lengthen it.
    private void StartHalfCloseTimeout()
    {
        if (!Interlocked.Exchange(ref _halfCloseBegan, true)) _halfClosed.Start();
    }

    private async Task CopyToBackendAsync()
    {
        await Task.Yield(); // the two directions start side by side
        var sending = false;
        try
        {
            while (true)
            {
                var result = await _client.Input.ReadAsync().ConfigureAwait(false);
                sending = true;
                await SendToBackendAsync(result.Buffer).ConfigureAwait(false);
                sending = false;
                _client.Input.AdvanceTo(result.Buffer.End);
                if (Volatile.Read(ref _backendEnded)) return; // a cancelled read alone may be Kestrel's, which cancels one when the host stops
                if (result.IsCompleted) break;
            }

            EndsBy(TunnelEnd.ClientClosed);
            StartHalfCloseTimeout();
            sending = true;
            await _backend.EndSendingAsync().ConfigureAwait(false);
        }
        catch (Exception) when (sending)
        {
            // The backend takes nothing more, but what it sent before may still wait to be read: the other direction finds its end.
            StartHalfCloseTimeout();
        }
        catch (Exception)
        {
            Cut(TunnelEnd.ClientReset);
        }
    }

    private async Task CopyToClientAsync()
    {
        try
        {
            if (await WriteEarlyAsync().ConfigureAwait(false)) await CopyUntilEndAsync().ConfigureAwait(false);
            await DiscardAsync().ConfigureAwait(false);
            EndsBy(TunnelEnd.BackendClosed);
            Volatile.Write(ref _backendEnded, true);
            _client.Input.CancelPendingRead();
        }
        catch (Exception)
        {
            Cut(TunnelEnd.BackendReset);
        }
    }

    private async ValueTask<bool> WriteEarlyAsync()
    {
        if (_early.IsEmpty) return true;
        _client.Output.Write(_early.Span);
        return await FlushToClientAsync(_early.Length).ConfigureAwait(false);
    }

    /// <summary>Until the backend's end, or until the client takes nothing more.</summary>
    private async ValueTask CopyUntilEndAsync()
    {
        var busy = false;
        while (true)
        {
            if (!busy) await _backend.WaitAsync().ConfigureAwait(false);
            var memory = _client.Output.GetMemory(busy ? _options.BufferSize : SmallRead);
            var read = await _backend.ReceiveAsync(memory).ConfigureAwait(false);
            if (read == 0) return;
            _client.Output.Advance(read);
            busy = read == memory.Length; // more is waiting: read it without asking first, and in larger pieces
            if (!await FlushToClientAsync(read).ConfigureAwait(false)) return;
            if (Volatile.Read(ref _halfCloseBegan)) _halfClosed.Start();
        }
    }

    // Where the client is gone, its last bytes may still be on their way to the backend, which must not block on its own.
    private async ValueTask DiscardAsync()
    {
        StartHalfCloseTimeout();
        var buffer = ArrayPool<byte>.Shared.Rent(SmallRead);
        try
        {
            while (await _backend.ReceiveAsync(buffer).ConfigureAwait(false) > 0)
            {
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<bool> FlushToClientAsync(int count)
    {
        BytesToClient += count;
        _metrics.BytesToClient(count);
        var flush = _client.Output.FlushAsync();
        if (flush.IsCompletedSuccessfully) return !flush.Result.IsCompleted;
        _clientTakes.Start();
        try
        {
            return !(await flush.ConfigureAwait(false)).IsCompleted;
        }
        catch (Exception)
        {
            return false;
        }
        finally
        {
            _clientTakes.Stop();
        }
    }

    private async ValueTask SendToBackendAsync(ReadOnlySequence<byte> bytes)
    {
        if (bytes.IsSingleSegment)
        {
            await SendToBackendAsync(bytes.First).ConfigureAwait(false);
            return;
        }

        // Many small segments would be many system calls.
        var buffer = ArrayPool<byte>.Shared.Rent(_options.BufferSize);
        try
        {
            while (!bytes.IsEmpty)
            {
                var piece = bytes.Slice(0, Math.Min(bytes.Length, buffer.Length));
                piece.CopyTo(buffer);
                await SendToBackendAsync(buffer.AsMemory(0, (int)piece.Length)).ConfigureAwait(false);
                bytes = bytes.Slice(piece.End);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask SendToBackendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        var send = _backend.SendAsync(bytes);
        if (!send.IsCompleted) _backendTakes.Start();
        try
        {
            await send.ConfigureAwait(false);
        }
        finally
        {
            _backendTakes.Stop();
        }

        BytesToBackend += bytes.Length;
        _metrics.BytesToBackend(bytes.Length);
    }
}

// The loop's part in the memory budget: who may read on, and who waits.
#include <utility>

#include "fetcher/multi.h"
#include "fetcher/socket.h"
#include "fetcher/transfer.h"

namespace crawld::fetcher {

bool Fetcher::Loop::ShareConnection(const Transfer& a, const Transfer& b) {
  const web::Url& first = a.request.url;
  const web::Url& second = b.request.url;
  return (a.multiplexed || b.multiplexed) && first.host() == second.host() &&
         first.EffectivePort() == second.EffectivePort();
}

Fetcher::Loop::Hosts Fetcher::Loop::PausedHosts() const {
  Hosts hosts;
  if (paused() == 0) return hosts;
  for (const BodyHook& hook : bodies_) {
    const auto& transfer = static_cast<const Transfer&>(hook);
    const web::Url& url = transfer.request.url;
    if (transfer.paused && transfer.multiplexed) hosts.emplace(url.host(), url.EffectivePort());
  }
  return hosts;
}

bool Fetcher::Loop::IsHeldUp(const Transfer& transfer, const Hosts& paused) {
  const web::Url& url = transfer.request.url;
  return !paused.empty() && paused.contains({url.host(), url.EffectivePort()});
}

bool Fetcher::Loop::TakeRoom(Transfer& transfer, size_t bytes) {
  if (bytes > 0 && !budget_.TryAdd(bytes)) {
    const auto& oldest = static_cast<const Transfer&>(bodies_.front());
    if (&oldest != &transfer && !ShareConnection(oldest, transfer)) return false;
    // What others hold goes away without us; what transfers hold goes when one of them ends.
    if (budget_.used() > body_bytes_.used()) return false;
    budget_.Add(bytes);
  }
  body_bytes_.Add(bytes);
  return true;
}

void Fetcher::Loop::GiveRoomBack(size_t bytes) {
  budget_.Sub(bytes);
  body_bytes_.Sub(bytes);
  room_made_ = true;
}

void Fetcher::Loop::Pause(Transfer& transfer) {
  if (std::exchange(transfer.paused, true)) return;
  paused_.fetch_add(1, std::memory_order_relaxed);
  if (!transfer.multiplexed) return;
  // libcurl reads on for the connection's other streams, and keeps what comes for this one: up to
  // its whole window.
  transfer.paused_on = SocketOf(transfer);
  if (transfer.paused_on != nullptr) ++transfer.paused_on->held;
}

void Fetcher::Loop::EndPause(Transfer& transfer) {
  if (!std::exchange(transfer.paused, false)) return;
  paused_.fetch_sub(1, std::memory_order_relaxed);
  const auto socket = std::exchange(transfer.paused_on, nullptr);
  if (socket != nullptr && --socket->held == 0) Arm(socket);
}

void Fetcher::Loop::ResumePaused() {
  room_made_ = false;
  bool full = false;
  for (auto it = bodies_.begin(); paused() > 0 && it != bodies_.end();) {
    auto& transfer = static_cast<Transfer&>(*it);
    ++it;  // the transfer may end
    if (!transfer.paused) continue;
    const auto& oldest = static_cast<const Transfer&>(bodies_.front());
    const bool first = &oldest == &transfer || ShareConnection(oldest, transfer);
    if (!first && (full || budget_.Spent())) {
      if (!oldest.multiplexed) return;  // nobody shares its connection
      continue;
    }
    full = !Resume(transfer);
  }
}

bool Fetcher::Loop::Resume(Transfer& transfer) {
  EndPause(transfer);
  transfer.RestartClocks(Clock::now());
  // Calls OnBody with what was kept; the transfer may be paused again, or have had enough.
  const CURLcode code = curl_easy_pause(transfer.easy, CURLPAUSE_CONT);
  if (code == CURLE_OK) return !transfer.paused;
  Finish(transfer, code);
  return true;
}

}  // namespace crawld::fetcher

#include "pipeline/host_health.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "archive/bundle.h"
#include "base/backoff.h"
#include "pipeline/answer.h"

namespace crawld::pipeline {
namespace {

constexpr Millis kRound{500};             // how soon a stop is noticed
constexpr uint64_t kMaxProbeBody = 4096;  // nobody reads it

}  // namespace

HostHealth::HostHealth(const HostHealthOptions& options, const Clock& clock,
                       fetcher::Fetcher& fetcher, frontier::Frontier& frontier)
    : options_(options),
      clock_(clock),
      fetcher_(fetcher),
      frontier_(frontier),
      thread_(std::in_place, "health", Millis(0), [this](const concurrency::Event& stop) {
        wake_.Clear();  // before the round: what comes during it makes another
        const WallTime next = Round();
        concurrency::Idle("waits for a host that is to be probed");
        if (!stop.IsSet()) {
          wake_.WaitUntil(clock_.ToSteady(std::min(next, clock_.Now() + kRound)));
        }
      }) {}

HostHealth::~HostHealth() {
  thread_->Stop();
  wake_.Set();
  thread_.reset();  // no probe begins any more
  MutexLock lock(mutex_);
  while (under_way_ > 0) idle_.Wait(mutex_);
}

bool HostHealth::Schedule(frontier::HostId id, Patient& patient, WallTime next) {
  if (patient.next != kNever) due_.erase({patient.next, id});
  patient.next = next;
  return next != kNever && due_.emplace(next, id).first == due_.begin();
}

void HostHealth::Watch(frontier::GatedHost host) {
  const frontier::HostId id = host.host;
  const WallTime next = clock_.Now() + Backoff(options_.backoff, options_.max_backoff, 1, id);
  spdlog::debug("{}: does not answer ({}); it is probed up to {} times", host.robots_url.host(),
                host.reason, options_.probes);
  bool first = false;
  {
    const MutexLock lock(mutex_);
    Patient& patient = patients_[id];
    patient.host = std::move(host);
    patient.probes = 0;
    first = Schedule(id, patient, next);
  }
  if (first) wake_.Set();
}

HostHealthStats HostHealth::stats() const {
  const MutexLock lock(mutex_);
  HostHealthStats stats = stats_;
  stats.gated = patients_.size();
  return stats;
}

std::vector<GatedHostInfo> HostHealth::Gated(size_t limit) const {
  std::vector<GatedHostInfo> out;
  const MutexLock lock(mutex_);
  for (const auto& [id, patient] : patients_) {
    if (out.size() == limit) break;
    out.push_back({std::string(patient.host.robots_url.host()), patient.host.reason, patient.probes,
                   patient.next});
  }
  return out;
}

WallTime HostHealth::Round() {
  const WallTime now = clock_.Now();
  WallTime next = kNever;
  std::vector<frontier::HostId> due;
  {
    const MutexLock lock(mutex_);
    while (!due_.empty() && due_.begin()->first <= now) {
      const frontier::HostId id = due_.begin()->second;
      Schedule(id, patients_.at(id), kNever);
      due.push_back(id);
    }
    if (!due_.empty()) next = due_.begin()->first;
  }
  for (const frontier::HostId id : due) frontier_.WantProbe(id);
  return next;
}

void HostHealth::Probe(frontier::HostId id) {
  fetcher::FetchRequest request;
  bool known = false;
  {
    const MutexLock lock(mutex_);
    if (const auto it = patients_.find(id); it != patients_.end()) {
      known = true;
      ++under_way_;
      ++stats_.probes;
      request.url = it->second.host.robots_url;
    }
  }
  if (!known) {  // an earlier probe has said what there is to say
    frontier::FetchEnd end;
    end.when = clock_.Now();
    frontier_.EndProbe(id, std::move(end));
    return;
  }
  request.pin = id;
  request.max_body = kMaxProbeBody;
  request.fresh_connection = true;
  fetcher_.Submit(std::move(request))
      .AddDoneCallback([this, id](concurrency::Future<fetcher::FetchResult>& future) {
        fetcher::FetchResult result;
        try {
          result = future.Take();
        } catch (const std::exception& e) {
          result.Fail(fetcher::FetchError::kInternal, e.what());
        }
        // The millisecond that has begun counts for the host.
        frontier_.EndProbe(id, EndOf(result, clock_.Now() + Millis(1)));
        Note(id, result);
      });
}

void HostHealth::Forget(frontier::HostId id) {
  const MutexLock lock(mutex_);
  const auto it = patients_.find(id);
  if (it == patients_.end()) return;
  Schedule(id, it->second, kNever);
  patients_.erase(it);
}

void HostHealth::Note(frontier::HostId id, const fetcher::FetchResult& result) {
  const WallTime now = clock_.Now();
  std::optional<Patient> done;
  bool first = false;
  const bool answered = result.contact() == fetcher::Contact::kAnswer;
  // What says nothing of the host (our proxy, our end) does not count.
  const bool silent = result.contact() == fetcher::Contact::kSilence ||
                      result.error == fetcher::FetchError::kAddressForbidden;
  {
    const MutexLock lock(mutex_);
    const auto it = patients_.find(id);
    if (it != patients_.end()) {
      Patient& patient = it->second;
      if (silent) ++patient.probes;
      if (answered || patient.probes >= options_.probes) {
        ++(answered ? stats_.opened : stats_.parked);
        Schedule(id, patient, kNever);
        done = std::move(patient);
        patients_.erase(it);
      } else {
        first =
            Schedule(id, patient,
                     now + Backoff(options_.backoff, options_.max_backoff, patient.probes + 1, id));
      }
    }
  }
  if (done && answered) {
    done->host.gate->Set();
    const Millis backoff = Backoff(options_.backoff, options_.max_backoff, 1, id);
    frontier_.OpenGate(id, now, HoldOf(result, now, backoff, options_.max_backoff));
    spdlog::info("{}: answers again, and is crawled on", done->host.robots_url.host());
  } else if (done) {
    frontier_.Park(id, now + options_.park);
    spdlog::info("{}: has answered none of {} probes ({}); it is left alone until {}",
                 done->host.robots_url.host(), options_.probes, done->host.reason,
                 archive::FormatDate(now + options_.park));
  }
  if (first) wake_.Set();
  const MutexLock lock(mutex_);
  if (--under_way_ == 0) idle_.NotifyAll();
}

}  // namespace crawld::pipeline
